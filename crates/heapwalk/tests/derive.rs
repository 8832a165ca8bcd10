//! What the derive refuses, with the words that it refuses it with.

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
