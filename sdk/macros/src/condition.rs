//! Mistakes in CEL that can be seen without a parser of it. The host compiles each expression
//! before the server sees it; this finds the common slips earlier, at the character.

/// What is wrong with an expression.
pub(crate) fn check(text: &str) -> Result<(), String> {
    scan(text).map(drop)
}

/// What is wrong with a condition that cancels runs: there the server knows no functions.
pub(crate) fn cancelling(text: &str) -> Result<(), String> {
    let tokens = scan(text)?;
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        if tokens.get(at + 1) == Some(&Token::Sign('(')) && *word != "in" {
            return Err(format!(
                "`{word}(…)` is a function: a condition of `cancel_on` compares and combines with \
                 `&&`, `||` and `!` only"
            ));
        }
        let selected = at > 0 && tokens[at - 1] == Token::Sign('.');
        if !selected && !["event", "async", "true", "false", "null", "in"].contains(word) {
            return Err(format!(
                "`{word}` is not known here: `event` is what started the run, `async` is what \
                 has come"
            ));
        }
    }
    Ok(())
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
