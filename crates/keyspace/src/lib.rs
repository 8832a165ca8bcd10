//! Values, their compact encodings, the dictionary and the databases.
