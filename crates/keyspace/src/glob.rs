//! Patterns as KEYS, SCAN and CONFIG GET take them.
#![forbid(unsafe_code)]

/// Whether letters of the other case match, ASCII only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// Letters match themselves only.
    Sensitive,
    /// Letters match either case.
    Insensitive,
}

/// Whether `text` matches `pattern`, as the documentation of Redis's KEYS describes and its server
/// decides where the documentation is silent.
///
/// - `*` matches any bytes, also none; `?` matches one byte.
/// - `[abc]` matches one of the bytes, `[^abc]` one that is none of them, `[a-c]` one of a range,
///   whose ends may be in either order. A class that is never closed ends with the pattern.
/// - `\` takes the next byte literally, also in a class, where the case then always counts. A `\` at
///   the very end stands for itself.
/// - An empty text matches only the empty pattern, so not `*`; commands that take `*` for "all"
///   test for it first.
///
/// Takes at most about `text.len() * pattern.len()` steps: when the bytes after a `*` don't match,
/// only the last `*` is tried with more bytes, since what an earlier one could take, it can too.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut rest, mut at) = (pattern, 0);
    // The pattern after the last `*`, and how much of the text that star and what precedes it take.
    let mut star: Option<(&[u8], usize)> = None;
    while at < text.len() {
        if let [b'*', after @ ..] = rest {
            if after.is_empty() {
                return true;
            }
            star = Some((after, at));
            rest = after;
            continue;
        }
        let after = match_one(rest, text[at], case);
        match (after, &mut star) {
            (Some(after), _) => {
                rest = after;
                at += 1;
            }
            (None, Some((after_star, taken))) => {
                *taken += 1;
                at = *taken;
                rest = after_star;
            }
            (None, None) => return false,
        }
    }
    rest.iter().all(|&byte| byte == b'*')
}

/// Matches `byte` against the first element of `pattern`, which is not a `*`, and gives what comes
/// after that element, or `None` without a match.
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<&[u8]> {
    let (literal, after) = match pattern {
        [] => return None,
        [b'?', after @ ..] => return Some(after),
        [b'[', class @ ..] => {
            let (matched, after) = match_class(class, byte, case);
            return matched.then_some(after);
        }
        [b'\\', literal, after @ ..] => (*literal, after),
        [literal, after @ ..] => (*literal, after),
    };
    (fold(literal, case) == fold(byte, case)).then_some(after)
}

/// Matches `byte` against the class that begins after its `[`, and gives what comes after its `]`.
fn match_class(class: &[u8], byte: u8, case: Case) -> (bool, &[u8]) {
    let (negated, mut rest) = match class {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => return (found != negated, rest),
            [b'\\', literal, rest @ ..] => {
                found |= *literal == byte;
                rest
            }
            [b']', rest @ ..] => return (found != negated, rest),
            [start, b'-', end, rest @ ..] => {
                let (low, high) = (*start.min(end), *start.max(end));
                found |= (fold(low, case)..=fold(high, case)).contains(&fold(byte, case));
                rest
            }
            [literal, rest @ ..] => {
                found |= fold(*literal, case) == fold(byte, case);
                rest
            }
        };
    }
}

fn fold(byte: u8, case: Case) -> u8 {
    match case {
        Case::Sensitive => byte,
        Case::Insensitive => byte.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rules written as a recursion over every way to split the text, exponential and plain.
    fn naive(pattern: &[u8], text: &[u8], case: Case) -> bool {
        fn rest_matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
            match pattern.first() {
                None => text.is_empty(),
                Some(b'*') => (0..=text.len()).any(|taken| rest_matches(&pattern[1..], &text[taken..], case)),
                Some(_) => {
                    let Some(&byte) = text.first() else {
                        return false;
                    };
                    let (set, len) = element(pattern, case);
                    set[usize::from(byte)] && rest_matches(&pattern[len..], &text[1..], case)
                }
            }
        }
        if text.is_empty() { pattern.is_empty() } else { rest_matches(pattern, text, case) }
    }

    /// The set of bytes that the first element of `pattern` matches, and the element's length.
    fn element(pattern: &[u8], case: Case) -> ([bool; 256], usize) {
        let mut set = [false; 256];
        let add = |set: &mut [bool; 256], byte: u8| {
            set[usize::from(byte)] = true;
            if case == Case::Insensitive {
                set[usize::from(byte.to_ascii_lowercase())] = true;
                set[usize::from(byte.to_ascii_uppercase())] = true;
            }
        };
        match pattern[0] {
            b'?' => ([true; 256], 1),
            b'\\' if pattern.len() > 1 => {
                add(&mut set, pattern[1]);
                (set, 2)
            }
            b'[' => {
                let mut at = 1;
                let negated = pattern.get(at) == Some(&b'^');
                at += usize::from(negated);
                while at < pattern.len() && pattern[at] != b']' {
                    let left = pattern.len() - at;
                    if pattern[at] == b'\\' && left >= 2 {
                        set[usize::from(pattern[at + 1])] = true;
                        at += 2;
                    } else if left >= 3 && pattern[at + 1] == b'-' {
                        let (a, b) = (pattern[at], pattern[at + 2]);
                        let (mut low, mut high) = (a.min(b), a.max(b));
                        if case == Case::Insensitive {
                            low = low.to_ascii_lowercase();
                            high = high.to_ascii_lowercase();
                        }
                        for byte in 0..=255u8 {
                            let folded =
                                if case == Case::Insensitive { byte.to_ascii_lowercase() } else { byte };
                            if low <= folded && folded <= high {
                                set[usize::from(byte)] = true;
                            }
                        }
                        at += 3;
                    } else {
                        add(&mut set, pattern[at]);
                        at += 1;
                    }
                }
                if negated {
                    set = set.map(|member| !member);
                }
                (set, (at + 1).min(pattern.len()))
            }
            literal => {
                add(&mut set, literal);
                (set, 1)
            }
        }
    }

    fn check(pattern: &str, text: &str, expected: bool) {
        let found = matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive);
        assert_eq!(found, expected, "{pattern:?} on {text:?}");
    }

    #[test]
    fn documented_examples() {
        check("h?llo", "hallo", true);
        check("h?llo", "hllo", false);
        check("h*llo", "hllo", true);
        check("h*llo", "heeeello", true);
        check("h[ae]llo", "hello", true);
        check("h[ae]llo", "hillo", false);
        check("h[^e]llo", "hallo", true);
        check("h[^e]llo", "hello", false);
        check("h[a-b]llo", "hbllo", true);
        check(r"h\?llo", "h?llo", true);
        check(r"h\?llo", "hallo", false);
    }

    #[test]
    fn corners_that_the_server_decides() {
        check("", "", true);
        check("*", "", false);
        check("**", "", false);
        check("", "a", false);
        check("a**", "a", true);
        check("[", "[", false);
        check("[^", "x", true);
        check("[b", "b", true);
        check("[z-a]", "b", true);
        check("[b-", "b", true);
        check("[b-", "-", true);
        check("[]b]", "b]", false);
        check("[^]", "b", true);
        check("\\", "\\", true);
        check("[\\", "\\", true);
        check(r"[\]]", "]", true);
        check("[a-]]", "]", true);
    }

    #[test]
    fn case_folding_leaves_escapes_in_classes_alone() {
        let nocase =
            |pattern: &str, text: &str| matches(pattern.as_bytes(), text.as_bytes(), Case::Insensitive);
        assert!(nocase("FOO*", "foobar"));
        assert!(nocase("[A-C]x", "bX"));
        assert!(nocase(r"\F", "f"));
        assert!(!nocase(r"[\F]", "f"));
        assert!(nocase(r"[\f]", "f"));
    }

    /// A matcher that tries every split would take longer than the universe has.
    #[test]
    fn pathological_patterns_end() {
        let text = vec![b'a'; 20_000];
        let pattern = [b"a*".repeat(50), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &text, Case::Sensitive));
        let pattern = [b"*a".repeat(50), b"*?*[^a]*".to_vec()].concat();
        assert!(!matches(&pattern, &text, Case::Sensitive));
        assert!(matches(&b"*".repeat(10_000), &text, Case::Insensitive));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]
        #[test]
        fn agrees_with_the_recursion(
            pattern in r"[abA*?\[\]\\^-]{0,9}",
            text in r"[abAB\]\[\\*-]{0,7}",
            insensitive: bool,
        ) {
            let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
            prop_assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes(), case),
                naive(pattern.as_bytes(), text.as_bytes(), case)
            );
        }
    }
}
