//! A field for each member that a function expects, and the data that is made of what was written into them.
//!
//! The name of an input says what is in it, so that a form can be read without asking the worker for the schema again.

use serde_json::{Map, Value};

use crate::html::Html;

/// What a member holds, as far as a form has an input for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text,
    /// A number, whole or not.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Anything, as JSON.
    Json,
}

/// A member of an event's data, with what stands in its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is called in JSON.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// Whether it has to be there.
    pub required: bool,
    /// What is said of it.
    pub description: Option<String>,
    /// What stands in its input.
    pub value: String,
    /// What is wrong with that.
    pub problem: Option<String>,
}

/// The fields that a schema asks for, in the order of `order` where it names them, filled from `data`. What else is in the
/// data comes last, in a field of its own.
///
/// Of a schema `properties`, `required` and each property's `type` and `description` are read; what is not understood gets
/// a field for JSON. None where the schema names no members.
pub fn of_schema(schema: &Value, order: &[String], data: &Value) -> Option<Vec<Field>> {
    let properties = schema["properties"].as_object().filter(|all| !all.is_empty())?;
    let place = |name: &str| order.iter().position(|other| other == name).unwrap_or(order.len());
    let mut names: Vec<&String> = properties.keys().collect();
    names.sort_by_key(|name| place(name));
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
    };
    let mut rest = data.as_object().cloned().unwrap_or_default();
    let mut fields = Vec::new();
    for name in names {
        let property = &properties[name];
        let given = rest.remove(name);
        let content = content(property, given.as_ref());
        fields.push(Field {
            name: name.clone(),
            content,
            required: required(name),
            description: property["description"].as_str().map(str::to_owned),
            value: given.map(|given| written(content, &given)).unwrap_or_default(),
            problem: None,
        });
    }
    if schema["additionalProperties"] != false || !rest.is_empty() {
        let value = if rest.is_empty() { String::new() } else { pretty(&Value::Object(rest)) };
        fields.push(Field::others(value));
    }
    Some(fields)
}

/// The input that suits a member. A value that does not fit it is shown as JSON all the same, rather than lost.
fn content(property: &Value, given: Option<&Value>) -> Content {
    let (content, fits): (_, fn(&Value) -> bool) = match property["type"].as_str() {
        Some("string") => (Content::Text, Value::is_string),
        Some("integer" | "number") => (Content::Number, Value::is_number),
        Some("boolean") => (Content::Boolean, Value::is_boolean),
        _ => return Content::Json,
    };
    if given.is_none_or(fits) { content } else { Content::Json }
}

fn written(content: Content, value: &Value) -> String {
    match (content, value) {
        (Content::Text, Value::String(text)) => text.clone(),
        (Content::Json, value) => pretty(value),
        (_, value) => value.to_string(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What the inputs of fields are called before the member's name.
const PREFIX: &str = "of";

impl Field {
    /// The field for what no other field has.
    fn others(value: String) -> Self {
        Self {
            name: String::new(),
            content: Content::Json,
            required: false,
            description: Some("Other members, as a JSON object.".to_owned()),
            value,
            problem: None,
        }
    }

    /// What its input is called: `of.number.required.total`.
    fn input(&self) -> String {
        let content = match self.content {
            Content::Text => "text",
            Content::Number => "number",
            Content::Boolean => "boolean",
            Content::Json => "json",
        };
        let need = if self.required { "required" } else { "optional" };
        format!("{PREFIX}.{content}.{need}.{}", self.name)
    }

    /// The field that an input was made for, with what came in it; none if it is no field's.
    fn read(input: &str, value: &str) -> Option<Self> {
        let mut parts = input.splitn(4, '.');
        if parts.next() != Some(PREFIX) {
            return None;
        }
        let content = match parts.next()? {
            "text" => Content::Text,
            "number" => Content::Number,
            "boolean" => Content::Boolean,
            "json" => Content::Json,
            _ => return None,
        };
        let required = parts.next()? == "required";
        let name = parts.next()?.to_owned();
        if name.is_empty() {
            return Some(Self::others(value.to_owned()));
        }
        let value = value.to_owned();
        Some(Self { name, content, required, description: None, value, problem: None })
    }

    /// What it holds; nothing where it is empty and need not be there.
    fn value(&self) -> Result<Option<Value>, String> {
        let text = self.value.trim();
        if text.is_empty() && self.content != Content::Text {
            return if self.required { Err("It has to be there.".to_owned()) } else { Ok(None) };
        }
        Ok(Some(match self.content {
            // A text that need not be there is left out rather than empty.
            Content::Text if self.value.is_empty() && !self.required => return Ok(None),
            Content::Text => Value::String(self.value.clone()),
            Content::Number => {
                let number: serde_json::Number = text
                    .parse()
                    .map_err(|_| format!("{text:?} is not a number, such as 7 or 2.5."))?;
                Value::Number(number)
            }
            Content::Boolean => Value::Bool(text == "true"),
            Content::Json => {
                serde_json::from_str(text).map_err(|error| format!("It is no JSON: {error}."))?
            }
        }))
    }

    /// Its input, with its label and what is wrong.
    pub(super) fn show(&self, html: &mut Html) {
        let name = self.input();
        let label = if self.name.is_empty() { "Other members" } else { &self.name };
        html.element("label", &[("for", &name)], |element| {
            element.text(label);
            let kind = (self.content == Content::Json && !self.name.is_empty()).then_some("JSON");
            let notes: Vec<_> =
                kind.into_iter().chain(self.required.then_some("required")).collect();
            if !notes.is_empty() {
                let notes = format!(" ({})", notes.join(", "));
                element.leaf("span", &[("class", "soft")], notes);
            }
        });
        let (about, wrong) = (format!("{name}.about"), format!("{name}.wrong"));
        let mut described = Vec::new();
        described.extend(self.description.is_some().then_some(&*about));
        described.extend(self.problem.is_some().then_some(&*wrong));
        let described = described.join(" ");
        let mut attributes = vec![("id", &*name), ("name", &*name)];
        attributes.extend((!described.is_empty()).then_some(("aria-describedby", &*described)));
        attributes.extend(self.problem.is_some().then_some(("aria-invalid", "true")));
        match self.content {
            Content::Text | Content::Number => {
                let mode = if self.content == Content::Number { "decimal" } else { "text" };
                attributes.extend([("value", &*self.value), ("autocomplete", "off")]);
                attributes.push(("inputmode", mode));
                html.void("input", &attributes);
            }
            Content::Boolean => self.choice(html, &attributes),
            Content::Json => {
                attributes.extend([("class", "small"), ("spellcheck", "false"), ("rows", "4")]);
                html.leaf("textarea", &attributes, &self.value);
            }
        }
        if let Some(description) = &self.description {
            html.leaf("p", &[("class", "soft"), ("id", &about)], description);
        }
        if let Some(problem) = &self.problem {
            html.leaf("p", &[("class", "error"), ("id", &wrong)], problem);
        }
    }

    fn choice(&self, html: &mut Html, attributes: &[(&'static str, &str)]) {
        html.element("select", attributes, |select| {
            let none = (!self.required).then_some(("", "left out"));
            for (value, words) in none.into_iter().chain([("false", "false"), ("true", "true")]) {
                let mut attributes = vec![("value", value)];
                attributes.extend((value == self.value).then_some(("selected", "")));
                select.leaf("option", &attributes, words);
            }
        });
    }
}

/// The fields of a form as they were filled in: the members of the form as names and values.
pub fn as_given<'m>(members: impl Iterator<Item = (&'m str, &'m str)>) -> Vec<Field> {
    members.filter_map(|(name, value)| Field::read(name, value)).collect()
}

/// The data that a form with fields asks for: the members of the form as names and values. None where it has no fields;
/// else the data, or the fields with what is wrong with each.
pub fn read<'m>(
    members: impl Iterator<Item = (&'m str, &'m str)>,
) -> Option<Result<Map<String, Value>, Vec<Field>>> {
    let mut fields = as_given(members);
    if fields.is_empty() {
        return None;
    }
    let mut data = Map::new();
    let mut fine = true;
    for field in &mut fields {
        match field.value() {
            Ok(None) => {}
            Ok(Some(Value::Object(others))) if field.name.is_empty() => data.extend(others),
            Ok(Some(_)) if field.name.is_empty() => {
                field.problem = Some("It is not an object: put it between { and }.".to_owned());
            }
            Ok(Some(value)) => {
                data.insert(field.name.clone(), value);
            }
            Err(problem) => field.problem = Some(problem),
        }
        fine &= field.problem.is_none();
    }
    Some(if fine { Ok(data) } else { Err(fields) })
}

#[cfg(test)]
mod tests;
