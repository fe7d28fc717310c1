//! Mistakes in CEL that can be seen without a parser of it. The host compiles each expression
//! before the server sees it; this finds the common slips earlier, at the character.

/// Names of types that CEL spells like variables.
const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];
/// Macros that bring names of their own.
const BINDING: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];

/// What is wrong with an expression over the event that starts a run.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let tokens = scan(text)?;
    let binds = |at: &usize| matches!(tokens[*at], Token::Word(word) if BINDING.contains(&word));
    if (0..tokens.len()).filter(binds).any(|at| is_called(&tokens, at)) {
        return Ok(());
    }
    for (at, word) in roots(&tokens) {
        if word != "event" && !TYPES.contains(&word) && !is_called(&tokens, at) {
            return Err(format!(
                "`{word}` is not known here: an expression is over `event`, for instance \
                 `event.data.order_id`"
            ));
        }
    }
    Ok(())
}

/// What is wrong with a condition that cancels runs: there the server knows no functions.
pub(crate) fn cancelling(text: &str) -> Result<(), String> {
    let tokens = scan(text)?;
    for (at, token) in tokens.iter().enumerate() {
        if let Token::Word(word) = token
            && is_called(&tokens, at)
        {
            return Err(format!(
                "`{word}(…)` is a function: a condition of `cancel_on` compares and combines with \
                 `&&`, `||` and `!` only"
            ));
        }
    }
    for (_, word) in roots(&tokens) {
        if word != "event" && word != "async" {
            return Err(format!(
                "`{word}` is not known here: `event` is what started the run, `async` is what \
                 has come"
            ));
        }
    }
    Ok(())
}

/// The words that are not selected from something, with their places.
fn roots<'t>(tokens: &'t [Token<'t>]) -> impl Iterator<Item = (usize, &'t str)> {
    tokens.iter().enumerate().filter_map(|(at, token)| {
        let Token::Word(word) = token else { return None };
        let selected = at > 0 && tokens[at - 1] == Token::Sign('.');
        // `r"…"` and `b"…"` are texts.
        let prefix = tokens.get(at + 1) == Some(&Token::Literal);
        let constant = ["true", "false", "null", "in"].contains(word);
        (!selected && !prefix && !constant).then_some((at, *word))
    })
}

fn is_called(tokens: &[Token<'_>], at: usize) -> bool {
    tokens[at] != Token::Word("in") && tokens.get(at + 1) == Some(&Token::Sign('('))
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Sign(char),
    Literal,
}

fn scan(text: &str) -> Result<Vec<Token<'_>>, String> {
    let (mut tokens, mut open, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                tokens.push(Token::Literal);
                string(rest)
                    .ok_or_else(|| format!("a text in this expression lacks its {first}"))?
            }
            _ if first.is_ascii_digit() => {
                tokens.push(Token::Literal);
                span(rest, |c| c.is_ascii_alphanumeric() || c == '.')
            }
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let length = span(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                tokens.push(Token::Word(&rest[..length]));
                length
            }
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                bracket(first, &mut open)?;
                tokens.push(Token::Sign(first));
                operator(rest)?
            }
        };
        rest = &rest[length..];
    }
    match (open.pop(), tokens.is_empty()) {
        (Some(bracket), _) => Err(format!("`{bracket}` is not closed in this expression")),
        (None, true) => Err("an expression must not be empty: leave it out".to_owned()),
        (None, false) => Ok(tokens),
    }
}

/// The length of a text with its quotes.
fn string(text: &str) -> Option<usize> {
    let quote = text.as_bytes()[0];
    let mut at = 1;
    while let Some(&byte) = text.as_bytes().get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn span(text: &str, belongs: fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn bracket(sign: char, open: &mut Vec<char>) -> Result<(), String> {
    let opening = match sign {
        '(' | '[' | '{' => {
            open.push(sign);
            return Ok(());
        }
        ')' => '(',
        ']' => '[',
        '}' => '{',
        _ => return Ok(()),
    };
    if open.pop() == Some(opening) {
        return Ok(());
    }
    Err(format!("`{sign}` closes nothing in this expression"))
}

/// The length of an operator.
fn operator(text: &str) -> Result<usize, String> {
    for pair in ["==", "!=", "<=", ">=", "&&", "||"] {
        if text.starts_with(pair) {
            return Ok(pair.len());
        }
    }
    let sign = text.chars().next().unwrap_or_default();
    match sign {
        '=' | '&' | '|' => Err(format!("write `{sign}{sign}` in an expression, not `{sign}`")),
        '!' | '<' | '>' | '+' | '-' | '*' | '/' | '%' | '?' | ':' | ',' | '.' | '(' | ')' | '['
        | ']' | '{' | '}' => Ok(1),
        _ => Err(format!("`{sign}` has no meaning in an expression")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in [
            "event.data.total > 10",
            "event.data.vip ? 120 : 0",
            "event.data.name == 'it\\'s' || size(event.data.list) >= 2",
            r#"event.data["a-b"].exists(x, x != "=")"#,
            "-1.5e3 + event.ts",
            "event.data.name + '-' + event.data.id",
            "'x' in event.data.tags || type(event.data.n) == int",
            "has(event.data.id) && event.name.startsWith('shop/') && true",
            "event.data.items.map(x, x.id).filter(y, y != '')",
            "event.data.x == r'a'",
            "'all'",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "  ",
            "event.data.x = 1",
            "(event.data.x",
            "event)",
            "'open",
            "a & b",
            "a # b",
            "[)",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cancelling_conditions() {
        for good in [
            "event.data.id == async.data.id && async.data.total > 1.5",
            "!(async.data.done == true) || async.data['x'] != null",
        ] {
            assert_eq!(cancelling(good), Ok(()), "{good}");
        }
        for bad in ["has(async.data.x)", "data.id == async.data.id", "async.data.x.size() > 1"] {
            assert!(cancelling(bad).is_err(), "{bad}");
        }
    }
}
