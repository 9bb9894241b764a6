use super::*;
use proptest::prelude::*;

/// numpy's type and its first number, then other numbers by what the memo has, as Python 2 writes them.
const PUBLISHED: &[u8] = b"(dp0\nS'acc'\np1\n(lp2\ncnumpy.core.multiarray\nscalar\np3\n(cnumpy\ndtype\np4\n(S'f8'\np5\nI0\nI1\ntp6\nRp7\n\
(I3\nS'<'\np8\nNNNI-1\nI-1\nI0\ntp9\nbS'N\\x91R(OP\\xef?'\np10\ntp11\nRp12\nag3\n(g7\nS')t\\xe2\\xd1\\xc7f\\xef?'\np13\ntp14\nRp15\na\
sS'loss'\np16\n(lp17\nF0.5\naF0.25\nasS'lr'\n(lF0.1\nasS'val_loss'\np18\n(lp19\ng3\n(g7\nS'\"G>=\\x8bU\\xac?'\np20\ntp21\nRp22\naI1\nas.";

fn message(bytes: &[u8]) -> String {
    parse(bytes).unwrap_err()
}

#[test]
fn scalars_of_numpy_and_floats_are_read() {
    let history = parse(PUBLISHED).unwrap();
    assert_eq!(history.epochs(), 2);
    let scalar = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes);
    let [loss, acc, val_loss, val_acc] = history.measured;
    assert_eq!(loss.unwrap(), [0.5, 0.25]);
    assert_eq!(
        acc.unwrap(),
        [scalar(b"N\x91R(OP\xef?"), scalar(b")t\xe2\xd1\xc7f\xef?")]
    );
    assert_eq!(val_loss.unwrap(), [scalar(b"\"G>=\x8bU\xac?"), 1.0]);
    assert_eq!(val_acc, None);
}

#[test]
fn narrow_and_big_endian_scalars_are_read() {
    let scalar = |kind: &str, order: &str, raw: &str| {
        let text = format!(
            "(dS'loss'\n(lcnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'{kind}'\nI0\nI1\ntR(I3\nS'{order}'\nNNNI-1\nI-1\nI0\ntbS'{raw}'\ntRas."
        );
        parse(text.as_bytes()).map(|history| history.measured[0].clone().unwrap()[0])
    };
    assert_eq!(scalar("f4", "<", r"\x00\x00 @").unwrap(), 2.5);
    assert_eq!(scalar("f4", ">", r"@ \x00\x00").unwrap(), 2.5);
    assert_eq!(
        scalar("f8", ">", r"?\xe0\x00\x00\x00\x00\x00\x00").unwrap(),
        0.5
    );
    let short = scalar("f8", "<", "abc").unwrap_err();
    assert!(short.contains("a number of 3 bytes, expected 8"), "{short}");
    assert!(
        scalar("i8", "<", "abc")
            .unwrap_err()
            .contains("numpy's type 'i8'")
    );
    assert!(
        scalar("f8", "|", "abc")
            .unwrap_err()
            .contains("without an order")
    );
}

#[test]
fn every_cut_is_an_error() {
    for end in 0..PUBLISHED.len() {
        let found = message(&PUBLISHED[..end]);
        assert!(found.contains("cut short after"), "{end}: {found}");
    }
}

#[test]
fn foreign_functions_and_instructions_are_refused() {
    for (pickle, expected) in [
        (
            &b"cos\nsystem\n(S'touch run'\ntR."[..],
            "it asks for 'os.system'",
        ),
        (b"c__builtin__\neval\n(S'1'\ntR.", "'__builtin__.eval'"),
        (b"(ios\nsystem\n.", "byte 1 is 'i'"),
        (b"(cnumpy\ndtype\no.", "byte 14 is 'o'"),
        (
            b"\x80\x02}q\x00.",
            "a pickle of protocol 2; expected protocol 0",
        ),
        (b"\x89HDF\r\n", "no pickle of a history: byte 0"),
        (b"epoch\tloss\n", "no pickle of a history: byte 0 is 'e'"),
        (b"", "cut short after 0 bytes"),
        (b".", "without its values"),
        (b"(.", "without its values"),
        (b"a.", "without its values"),
        (b"t.", "without its values"),
        (b"NNa.", "an item for None"),
        (b"(lNNs.", "a key for a list"),
        (b"(N(tb.", "without an order"),
        (b"N(NS'<'\ntb.", "a state for None"),
        (b"(NdN.", "no value"),
        (b"I1\n.", "an integer, expected the dict"),
        (b"(d.", "none of the keys loss, acc"),
        (b"(dS'loss'\nF1\ns.", "'loss' is a float, expected a list"),
        (b"(dS'loss'\n(lNas.", "'loss' holds None"),
        (
            b"(dS'loss'\n(lF1\nasS'acc'\n(lF1\naF2\nas.",
            "1 epochs of 'loss' but 2 of 'acc'",
        ),
        (b"g7\n.", "value 7 is not there yet"),
        (b"Np-1\n.", "found '-1', expected a number"),
        (b"I99999999999999999999\n.", "expected an integer"),
        (b"Fx\n.", "expected a float"),
        (b"S'abc\n.", "expected a string in quotes"),
        (b"S'\n.", "expected a string in quotes"),
        (b"S'\\xg1'\n.", "expected a string in quotes"),
        (b"S'\\'\n.", "expected a string in quotes"),
        (b"NNR.", "a call without arguments"),
        (b"cnumpy\ndtype\n(I8\ntR.", "a call of a function"),
        (b"N(tR.", "a call of None"),
    ] {
        let found = message(pickle);
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}

#[test]
fn values_that_hold_themselves_and_each_other_end() {
    // A list in itself, and one of lists of lists that would be 2^40 long when written out.
    let mut bytes = b"(dS'loss'\n(lp0\ng0\na".to_vec();
    for i in 1..40 {
        bytes.extend(format!("p{i}\n(lg{i}\nag{i}\na").bytes());
    }
    // Each into the one before it, until the first is left.
    bytes.extend([b'a'; 39]);
    bytes.extend(b"s.");
    assert!(
        message(&bytes).contains("'loss' holds a list"),
        "{}",
        message(&bytes)
    );
}

#[test]
fn a_file_of_any_size_is_not_taken_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.pkl");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    let found = read(&path).unwrap_err().to_string();
    assert!(
        found.contains("history.pkl: 1099511627776 bytes"),
        "{found}"
    );
    assert!(read(&folder.path().join("none")).is_err());
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.pkl");
    let history = KerasHistory {
        measured: [
            Some(vec![0.1 + 0.2, 1e-300, f64::INFINITY]),
            None,
            Some(vec![1.0, -0.0, 5e300]),
            Some(vec![0.0; 3]),
        ],
    };
    write(&path, &history).unwrap();
    assert_eq!(read(&path).unwrap(), history);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("(dp0\nS'loss'\np1\n(lp2\nF0.30000000000000004\naF1e-300\naFinf\nas"));
}

proptest! {
    #[test]
    fn damage_is_an_error_or_other_numbers_never_a_panic(
        changes in prop::collection::vec((0_usize..PUBLISHED.len(), any::<u8>()), 1..6),
    ) {
        let mut bytes = PUBLISHED.to_vec();
        for (place, byte) in changes {
            bytes[place] = byte;
        }
        let _ = parse(&bytes);
    }

    #[test]
    fn instructions_in_any_order_never_panic(bytes in "[(tldsapgcRbNIFS.'\n0-9f8<\\\\x]{0,80}") {
        let _ = parse(bytes.as_bytes());
    }
}
