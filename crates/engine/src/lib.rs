//! A whole Redis without a socket.
#![forbid(unsafe_code)]
