//! The object that everything is measured with: a ConfigMap with one value that compresses no better than text does.

/// The JSON of a ConfigMap. `turn` makes another value of the same length.
pub(crate) fn body(namespace: &str, name: &str, value_bytes: usize, turn: u64) -> Vec<u8> {
    format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"{name}\",\
         \"namespace\":\"{namespace}\",\"labels\":{{\"app\":\"bench\"}}}},\"data\":{{\"value\":\"{}\"}}}}",
        value(value_bytes, turn)
    )
    .into_bytes()
}

/// Words of random letters.
fn value(length: usize, seed: u64) -> String {
    const LETTERS: &[u8; 16] = b"etaoinshrdlucm w";
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        // The generator of L'Ecuyer's table for 64 bits; its upper bits are the good ones.
        state = state
            .wrapping_mul(3_935_559_000_370_003_845)
            .wrapping_add(2_691_343_689_449_507_681);
        char::from(LETTERS[usize::from(state.to_be_bytes()[0] >> 4)])
    };
    (0..length).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::{body, value};

    #[test]
    fn values_have_their_length_and_differ() {
        for length in [0, 1, 1024] {
            assert_eq!(value(length, 1).len(), length);
        }
        assert_ne!(value(100, 1), value(100, 2));
        assert_eq!(value(100, 3), value(100, 3), "the same for every server");
    }

    #[test]
    fn a_body_names_its_object() {
        let text = String::from_utf8(body("default", "cm-1", 10, 0)).expect("UTF-8");
        assert!(
            text.contains(r#""name":"cm-1","namespace":"default""#),
            "{text}"
        );
    }
}
