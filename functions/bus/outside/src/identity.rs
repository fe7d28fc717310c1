//! Names that come out the same again.

/// A UUID in the form of version 4 that is made of a text, so that a step that runs twice names the same thing.
///
/// It is no secret: whoever knows the text knows it.
#[must_use]
pub fn uuid(of: &str) -> String {
    // FNV-1a with 128 bits: enough to tell runs and steps apart, which nobody chooses.
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in of.bytes() {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let version = (hash & !(0xf << 76)) | (0x4 << 76);
    let hex = format!("{:032x}", (version & !(0x3 << 62)) | (0x2 << 62));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn a_name_is_the_same_again_and_another_one_elsewhere() {
        let one = uuid("01ABC:submit");
        assert_eq!(one, uuid("01ABC:submit"));
        assert_ne!(one, uuid("01ABD:submit"));
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
