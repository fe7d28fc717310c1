//! Commands of a plan. There is no shell: a command is words, and `&&` puts one after another.

/// The programs of a command line with their arguments.
pub(crate) fn commands(line: &str) -> Result<Vec<Vec<String>>, String> {
    let mut all = vec![Vec::new()];
    for word in words(line)? {
        match word {
            Word::And => all.push(Vec::new()),
            Word::Plain(word) => all.last_mut().expect("there is one").push(word),
        }
    }
    if all.iter().any(Vec::is_empty) {
        return Err(format!("`{line}` is no command"));
    }
    Ok(all)
}

enum Word {
    And,
    Plain(String),
}

fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut found = Vec::new();
    let mut letters = line.chars().peekable();
    while let Some(first) = letters.peek().copied() {
        if first.is_whitespace() {
            letters.next();
            continue;
        }
        let (mut word, mut quoted) = (String::new(), false);
        while let Some(letter) = letters.next_if(|letter| !letter.is_whitespace()) {
            match letter {
                '\'' | '"' => {
                    quoted = true;
                    loop {
                        match letters.next() {
                            None => return Err(format!("`{line}` has a quote without its end")),
                            Some(end) if end == letter => break,
                            Some(inner) => word.push(inner),
                        }
                    }
                }
                // What a shell would do with these does not happen here: better to say so.
                '|' | ';' | '<' | '>' | '$' | '`' | '(' | ')' | '\\' => {
                    return Err(format!("`{line}` needs a shell for `{letter}`"));
                }
                plain => word.push(plain),
            }
        }
        match (word.as_str(), quoted) {
            ("&&", false) => found.push(Word::And),
            (text, false) if text.contains('&') => {
                return Err(format!("`{line}` needs a shell for `&`"));
            }
            _ => found.push(Word::Plain(word)),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn a_command_is_words() {
        for (line, found) in [
            ("cargo test", Some(vec![vec!["cargo", "test"]])),
            ("  pnpm   biome check ", Some(vec![vec!["pnpm", "biome", "check"]])),
            ("a && b c", Some(vec![vec!["a"], vec!["b", "c"]])),
            ("a 'b c' \"d\"e ''", Some(vec![vec!["a", "b c", "de", ""]])),
            ("a '&&' b", Some(vec![vec!["a", "&&", "b"]])),
            ("a | b", None),
            ("a; b", None),
            ("a $HOME", None),
            ("a & b", None),
            ("a &&", None),
            ("a 'b", None),
            ("", None),
        ] {
            let read = commands(line).ok();
            let found = found.map(|all| {
                all.into_iter()
                    .map(|words| words.into_iter().map(str::to_owned).collect())
                    .collect::<Vec<Vec<String>>>()
            });
            assert_eq!(read, found, "{line}");
        }
    }
}
