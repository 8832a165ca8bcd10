//! Memory allocation that counts every byte.
