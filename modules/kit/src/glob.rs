//! Patterns of MATCH: `*`, `?`, `[a-z]`, `[^x]`, and `\` before a byte that stands for itself.

/// Whether `text` matches `pattern`, bytewise, as Redis's KEYS documents.
pub fn matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    // Where to go on after the last star takes one more byte.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        let step = match pattern.first() {
            Some(b'*') => {
                retry = Some((&pattern[1..], text));
                pattern = &pattern[1..];
                continue;
            }
            None if text.is_empty() => return true,
            None => None,
            Some(_) => one(pattern, text),
        };
        match (step, &mut retry) {
            (Some(rest), _) => (pattern, text) = (rest, &text[1..]),
            (None, Some((after, from))) if !from.is_empty() => {
                *from = &from[1..];
                (pattern, text) = (after, from);
            }
            (None, _) => return false,
        }
    }
}

/// Matches one byte, and returns the pattern behind it.
fn one<'a>(pattern: &'a [u8], text: &[u8]) -> Option<&'a [u8]> {
    let byte = *text.first()?;
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => class(rest, byte),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => (*literal == byte).then_some(rest),
        [] => None,
    }
}

/// Matches a byte against the inside of brackets; an unclosed one ends with the pattern.
fn class(mut pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let is_negated = pattern.first() == Some(&b'^');
    if is_negated {
        pattern = &pattern[1..];
    }
    let mut found = false;
    let rest = loop {
        match pattern {
            [] => break &[][..],
            [b']', rest @ ..] => break rest,
            [b'\\', literal, rest @ ..] => {
                found |= *literal == byte;
                pattern = rest;
            }
            [a, b'-', b, rest @ ..] => {
                found |= (*a.min(b)..=*a.max(b)).contains(&byte);
                pattern = rest;
            }
            [literal, rest @ ..] => {
                found |= *literal == byte;
                pattern = rest;
            }
        }
    };
    (found != is_negated).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let yes = [
            ("", ""),
            ("*", ""),
            ("*", "abc"),
            ("a*c", "abbc"),
            ("a*b*c", "aXbYbc"),
            ("?b?", "abc"),
            ("[a-c]x", "bx"),
            ("[^a-c]x", "dx"),
            ("[c-a]", "b"),
            ("\\*", "*"),
            ("[\\]]", "]"),
            ("**a", "ba"),
            ("field6_*", "field6_1"),
            ("[ab", "a"),
        ];
        for (pattern, text) in yes {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        let no = [
            ("", "a"),
            ("a", ""),
            ("a*c", "abd"),
            ("?", ""),
            ("[a-c]", "d"),
            ("[^a]", "a"),
            ("\\*", "a"),
            ("a*b*c", "aXbY"),
            ("*a", "ab"),
            ("[]", "a"),
        ];
        for (pattern, text) in no {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }
}
