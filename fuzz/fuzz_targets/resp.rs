//! Any bytes, cut anywhere, as requests: first to the parser alone, then to a whole engine.
//!
//! - The parser finds the same requests and the same fault however the bytes are cut.
//! - Every byte that the engine answers with belongs to a reply that can be decoded.
#![no_main]

use engine::resp::{Limits, Parser, ProtocolError, Request};
use engine::{Clock, Engine, Options, Reply};
use libfuzzer_sys::fuzz_target;

/// The longest value that commands may build, in bytes: small, so that a run stays small.
const LONGEST_VALUE: u64 = 1 << 16;

/// What a stream was found to hold: the arguments of its requests, and the fault that ended it.
type Found = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (cuts, stream) = input;
    let pieces = cut(stream, &cuts);
    for authenticated in [true, false] {
        let limits = Limits { max_bulk_len: LONGEST_VALUE, authenticated };
        assert_eq!(parse(&pieces, limits), parse(&[stream], limits));
    }
    converse(&pieces);
});

/// Cuts a stream into pieces of these lengths, by turns.
fn cut<'a>(mut stream: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut lengths = lengths.iter().map(|&length| usize::from(length)).cycle();
    while !stream.is_empty() {
        let length = lengths.next().unwrap_or(usize::MAX).clamp(1, stream.len());
        let (piece, rest) = stream.split_at(length);
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

/// Reads the pieces as a connection does: what is complete is taken out before the next comes.
fn parse(pieces: &[&[u8]], limits: Limits) -> Found {
    let (mut parser, mut buffer, mut requests) = (Parser::default(), Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match parser.next(&buffer, limits) {
                Ok(Some(Request::Inline(args))) => requests.push(args),
                Ok(Some(Request::Array(at))) => {
                    let args = &parser.ranges()[at];
                    requests.push(args.iter().map(|range| buffer[range.clone()].to_vec()).collect());
                }
                Ok(None) => break,
                Err(fault) => return (requests, Some(fault)),
            }
        }
        buffer.drain(..parser.unfinished());
        parser.forget();
    }
    (requests, None)
}

/// Sends the pieces to an engine and decodes all that it answers.
fn converse(pieces: &[&[u8]]) {
    let mut options = Options { clock: Clock::manual(1_000_000), seed: Some(1), ..Options::default() };
    options.config.proto_max_bulk_len = LONGEST_VALUE;
    let mut engine = Engine::open(options);
    let client = engine.connect().expect("there is room for one client");
    for piece in pieces {
        engine.receive(client, piece);
        engine.tick();
        let output = engine.output(client);
        let (mut rest, length) = (output, output.len());
        while !rest.is_empty() {
            let (_, taken) = Reply::decode(rest).unwrap_or_else(|error| {
                panic!("{error}: {}", rest.escape_ascii());
            });
            rest = &rest[taken..];
        }
        engine.sent(client, length);
        // CONFIG SET may have allowed values that take all the memory there is.
        if engine.closing(client).is_some() || engine.config().proto_max_bulk_len > LONGEST_VALUE {
            break;
        }
    }
    engine.disconnect(client);
    assert!(engine.output(client).is_empty());
}
