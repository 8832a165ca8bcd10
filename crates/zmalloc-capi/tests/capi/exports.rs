//! Functions of the C interface, as C has them: what the header and the Rust source are compared by.

use std::collections::BTreeMap;

/// Result and parameters of a function, as types of C without names: `void *`, `const char *`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) result: String,
    pub(crate) parameters: Vec<String>,
}

/// Functions by name.
pub(crate) type Functions = BTreeMap<String, Signature>;
