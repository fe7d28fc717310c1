//! Names that come out the same again.

/// A UUID in the form of version 4 that is made of a text, so that a step that runs twice names the same thing.
///
/// It is no secret: whoever knows the text knows it.
#[must_use]
pub fn uuid(of: &str) -> String {
    let hash = hash(of);
    let version = (hash & !(0xf << 76)) | (0x4 << 76);
    let hex = format!("{:032x}", (version & !(0x3 << 62)) | (0x2 << 62));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// What tells a text from others, as 32 digits. Whoever wants to can make another one that has the same.
#[must_use]
pub fn digest(of: &str) -> String {
    format!("{:032x}", hash(of))
}

/// FNV-1a with 128 bits: enough to tell texts apart that nobody has chosen for it.
fn hash(of: &str) -> u128 {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in of.bytes() {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::{digest, uuid};

    #[test]
    fn a_name_is_the_same_again_and_another_one_elsewhere() {
        let one = uuid("01ABC:submit");
        assert_eq!(one, uuid("01ABC:submit"));
        assert_ne!(one, uuid("01ABD:submit"));
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        // The values that the algorithm's authors give.
        assert_eq!(digest(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(digest("a"), "d228cb696f1a8caf78912b704e4a8964");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
