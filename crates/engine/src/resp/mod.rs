//! RESP, the protocol of Redis: requests are parsed, replies are written and read back.
//!
//! Only bytes in memory are seen here; who sent them is somebody else's affair.

mod parse;
mod reply;
mod write;

pub use parse::{Limits, Parser, ProtocolError, Request};
pub use reply::{DecodeError, Reply};
pub use write::{Version, Writer};
