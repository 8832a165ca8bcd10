//! When two replies are equal.
//!
//! Almost always when their bytes are. The exceptions are stated by the step that was generated, and the wanted
//! differences, the whole list of them, stand in [`is_wanted`].

use engine::Reply;

use crate::dump;
use crate::generate::{Match, Step};

/// The outcome of a comparison.
pub(crate) enum Verdict {
    Equal,
    Different(String),
}

/// Compares our reply to a step with theirs.
pub(crate) fn replies(step: &Step, ours: &[u8], theirs: &[u8]) -> Verdict {
    if ours == theirs || is_wanted(step, ours, theirs) {
        return Verdict::Equal;
    }
    let (Some(ours), Some(theirs)) = (whole(ours), whole(theirs)) else {
        return Verdict::Different("a reply isn't exactly one reply".into());
    };
    let equal = match step.compare {
        Match::Exact => false,
        Match::Unordered => sorted(&ours).is_some() && sorted(&ours) == sorted(&theirs),
        Match::ButCommands => without_commands(&ours) == without_commands(&theirs),
        Match::Within(tolerance) => match (&ours, &theirs) {
            (Reply::Integer(ours), Reply::Integer(theirs)) => {
                // The negative ones mean something of their own.
                *ours >= 0 && *theirs >= 0 && ours.abs_diff(*theirs) <= tolerance
            }
            _ => false,
        },
        Match::Payload => dump::is_same_value(&ours, &theirs),
        Match::Shape => shape(&ours) == shape(&theirs),
    };
    if equal { Verdict::Equal } else { Verdict::Different(format!("not equal ({:?})", step.compare)) }
}

/// The one reply that the bytes are.
fn whole(bytes: &[u8]) -> Option<Reply> {
    Reply::decode(bytes).ok().filter(|&(_, len)| len == bytes.len()).map(|(reply, _)| reply)
}

/// Known and wanted differences.
fn is_wanted(step: &Step, ours: &[u8], theirs: &[u8]) -> bool {
    // Redis shares the integers below 10,000 between keys, and says so; here a value always has one owner.
    let shared = step.is("OBJECT REFCOUNT") && ours == b":1\r\n" && theirs == b":2147483647\r\n";
    // Redis takes a memory size without a digit for 0, or for what wraps around; here it is no size.
    let size = step.is("CONFIG SET")
        && [&b"argument must be a memory value\r\n"[..], b"argument must be a memory or percent value\r\n"]
            .iter()
            .any(|end| ours.ends_with(end));
    // A key whose time has come has a size until somebody meets it, and RANDOMKEY and SCAN meet whom they will.
    let met = step.is("MEMORY USAGE")
        && (ours == b"$-1\r\n" || theirs == b"$-1\r\n" || ours == b"_\r\n" || theirs == b"_\r\n");
    shared || size || met
}

/// The strings in a reply, without their order; `None` when it holds anything else.
fn sorted(reply: &Reply) -> Option<Vec<&[u8]>> {
    let mut elements: Vec<_> = match reply {
        Reply::Array(elements) | Reply::Set(elements) => elements.iter().map(Reply::as_bytes).collect(),
        Reply::Map(pairs) => {
            pairs.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]).collect()
        }
        _ => None,
    }?;
    elements.sort_unstable();
    Some(elements)
}

/// A reply in which nothing follows the word `commands`.
fn without_commands(reply: &Reply) -> Reply {
    let is_commands = |reply: &Reply| reply.as_bytes() == Some(b"commands");
    match reply {
        Reply::Array(elements) => {
            let mut kept: Vec<Reply> = elements.iter().map(without_commands).collect();
            if let Some(at) = elements.iter().position(is_commands) {
                kept.remove(at + 1);
            }
            Reply::Array(kept)
        }
        Reply::Map(pairs) => {
            let kept = pairs.iter().filter(|(name, _)| !is_commands(name));
            Reply::Map(kept.map(|(name, value)| (name.clone(), without_commands(value))).collect())
        }
        other => other.clone(),
    }
}

/// The kind of a reply.
fn shape(reply: &Reply) -> std::mem::Discriminant<Reply> {
    std::mem::discriminant(reply)
}
