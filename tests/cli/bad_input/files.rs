//! Files that are missing, damaged, or of another format.

use super::BadInput;
use crate::common::{bytes, text};

for_each_kind! {
    a_missing_file_is_named;
    a_folder_in_the_place_of_a_file_is_named;
    a_truncated_or_corrupt_gzip_file_is_noticed;
    what_is_not_text_is_refused;
}

fn a_missing_file_is_named<K: BadInput>() {
    let data = K::small();
    let flags = K::FILES.iter().map(|file| file.0);
    for flag in flags.chain(K::OTHER_FILES.iter().copied()) {
        data.refuses(&format!("{flag} no.such"), 1, &["no.such: No such file"]);
    }
}

fn a_folder_in_the_place_of_a_file_is_named<K: BadInput>() {
    let data = K::small();
    std::fs::create_dir(data.path("folder")).unwrap();
    for (flag, _) in K::FILES {
        data.refuses(&format!("{flag} folder"), 1, &["folder"]);
    }
}

fn a_truncated_or_corrupt_gzip_file_is_noticed<K: BadInput>() {
    let data = K::small();
    for (flag, name) in K::FILES {
        // Longer than the header of gzip, whatever it holds.
        data.write_gzip("whole.gz", text(data.path(name)));
        let whole = bytes(data.path("whole.gz"));
        data.write("cut.gz", &whole[..whole.len() / 2]);
        data.refuses(&format!("{flag} cut.gz"), 1, &["cut.gz", "truncated gzip"]);
        // Without its last 8 bytes (checksum and length) all text is there.
        data.write("cut.gz", &whole[..whole.len() - 8]);
        data.refuses(&format!("{flag} cut.gz"), 1, &["cut.gz", "truncated gzip"]);
        let mut corrupt = whole.clone();
        let end = corrupt.len() - 6;
        corrupt[end] ^= 0xff;
        data.write("bad.gz", corrupt);
        data.refuses(&format!("{flag} bad.gz"), 1, &["bad.gz", "corrupt gzip"]);
    }
}

fn what_is_not_text_is_refused<K: BadInput>() {
    let data = K::small();
    data.write("binary", [0xfe, 0xfd, 0, 1, b'\n']);
    data.write("packed.zip", b"PK\x03\x04and more bytes of a zip file");
    for (flag, _) in K::FILES {
        data.refuses(&format!("{flag} binary"), 1, &["binary, line 1", "UTF-8"]);
        data.refuses(
            &format!("{flag} packed.zip"),
            1,
            &["packed.zip", "zip", "gzip or bgzip"],
        );
    }
}
