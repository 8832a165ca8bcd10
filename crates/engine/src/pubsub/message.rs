//! A message as it is sent, encoded once for each version of RESP that its receivers speak.

use crate::resp::{Version, Writer};

/// A kind of message and its parts.
#[derive(Debug)]
pub(super) struct Message<'a> {
    kind: &'static str,
    parts: &'a [&'a [u8]],
    resp2: Option<Vec<u8>>,
    resp3: Option<Vec<u8>>,
}

impl<'a> Message<'a> {
    pub(super) fn new(kind: &'static str, parts: &'a [&'a [u8]]) -> Self {
        Self { kind, parts, resp2: None, resp3: None }
    }

    /// The bytes that a client which speaks `version` is sent.
    pub(super) fn encoded(&mut self, version: Version) -> &[u8] {
        let Self { kind, parts, resp2, resp3 } = self;
        let place = match version {
            Version::V2 => resp2,
            Version::V3 => resp3,
        };
        place.get_or_insert_with(|| {
            let mut writer = Writer::new(Vec::new(), version);
            writer.push(parts.len() + 1);
            writer.bulk(kind.as_bytes());
            parts.iter().for_each(|part| writer.bulk(part));
            writer.into_inner()
        })
    }
}
