//! Payloads of DUMP, as other servers wrote them and as nobody would.

use anyhow::{Context, Result, bail, ensure};

use crate::client::{Client, Reply};

/// The version and the checksum that end a payload.
const FOOTER: usize = 2 + 8;

/// The type's byte and the nine of the module type's name and version.
const HEADER: usize = 1 + 9;

/// Bytes given as hexadecimal digits.
///
/// # Errors
/// When they aren't.
pub fn from_hex(text: &str) -> Result<Vec<u8>> {
    ensure!(text.is_ascii() && text.len().is_multiple_of(2), "no bytes in hexadecimal: {text}");
    let digits = |place: usize| u8::from_str_radix(&text[place..place + 2], 16);
    (0..text.len()).step_by(2).map(|place| digits(place).context("no digits")).collect()
}

/// What DUMP replies for a key.
///
/// # Errors
/// When there is no such key.
pub fn dump(client: &mut Client, key: &str) -> Result<Vec<u8>> {
    match client.command(&["DUMP", key])? {
        Reply::Bulk(payload) => Ok(payload),
        other => bail!("DUMP {key}: {other:?}"),
    }
}

/// Restores a payload to a key, whatever is there.
///
/// # Errors
/// When the connection breaks.
pub fn restore(client: &mut Client, key: &str, payload: &[u8]) -> Result<String> {
    Ok(client.command(&[&b"RESTORE"[..], key.as_bytes(), b"0", payload, b"REPLACE"])?.text())
}

/// A payload with other contents, and the checksum that belongs to them: it is the module that must
/// find out.
fn sealed(contents: &[u8], version: &[u8]) -> Vec<u8> {
    let mut payload = [contents, version].concat();
    let checksum = crc64(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// CRC-64 of Jones, reflected, as the payload's documentation has it.
fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |checksum, byte| {
        (0..8).fold(checksum ^ u64::from(*byte), |checksum: u64, _| {
            (checksum >> 1) ^ if checksum & 1 == 1 { 0x95ac_9329_ac4b_c9b5 } else { 0 }
        })
    })
}

/// Restores everything that a payload can be cut to, and it with each of its bytes changed, under
/// right checksums: the server goes on whatever it is given. What is cut by more than the ending is
/// refused (the server would read that as what is missing).
///
/// # Errors
/// When the server ends, or takes what it shouldn't.
pub fn garbled_payloads_do_no_harm(client: &mut Client, payload: &[u8]) -> Result<()> {
    let (contents, footer) = payload.split_at(payload.len() - FOOTER);
    let version = &footer[..2];
    ensure!(sealed(contents, version) == payload, "the checksum is another");
    for length in HEADER..contents.len() {
        let reply = restore(client, "garbled", &sealed(&contents[..length], version))?;
        let is_far_too_short = contents.len() - length > FOOTER;
        ensure!(reply.starts_with("ERR") || !is_far_too_short, "{length} of {}: {reply}", contents.len());
    }
    for place in HEADER..contents.len() {
        for change in [1, 0x80, 0xff] {
            let mut other = contents.to_vec();
            other[place] ^= change;
            restore(client, "garbled", &sealed(&other, version))?;
            client.run("DUMP garbled")?;
            client.run("DEL garbled")?;
        }
    }
    ensure!(client.run("PING")? == "PONG", "the server answers no longer");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_redis_own() {
        // The check value of CRC-64/REDIS.
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(from_hex("00ff10").unwrap(), [0, 255, 16]);
        assert!(from_hex("0").is_err() && from_hex("0g").is_err());
    }
}
