//! `cisgrad motifs cluster`.

use super::{Files, meme};
use crate::common::names;
use cisgrad::io::meme::read_meme;

#[test]
fn groups_have_a_representative_and_are_written_as_motifs_too() {
    let files = Files::new();
    let motifs = [
        "A TGAGTCAT",
        "B GGGGCGGGGC",
        "C NATGACTCAN",
        "D AGATAAGA",
        "E GCCCCGCCCC",
        "F NTGAGTCAT",
    ];
    files.write("all.meme", &meme(&motifs));
    let run = files
        .run("motifs cluster all.meme --cut 0.01 --representatives r.meme")
        .ok();
    let table = run.table();
    assert_eq!(
        table.header.join(" "),
        "cluster size motif name representative p-value offset orientation"
    );
    let found: Vec<String> = table.rows.iter().map(|r| r[..4].join(" ")).collect();
    assert_eq!(
        found,
        [
            "1 3 A a", "1 3 C c", "1 3 F f", "2 2 B b", "2 2 E e", "3 1 D d"
        ]
    );
    let representatives = table.column("representative");
    assert_eq!(representatives[3..], ["B", "B", "D"]);
    let written = read_meme(files.path("r.meme")).unwrap();
    let ids: Vec<&str> = written.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, [representatives[0], "B", "D"]);
    assert_eq!(written[2], read_meme(files.path("all.meme")).unwrap()[3]);
    assert_eq!(table.rows[4][7], "-");
    assert!(run.err.contains("6 motifs in 3 groups"), "{}", run.err);
    let all = files.run("motifs cluster all.meme --cut 1").ok().table();
    assert_eq!(all.column("size"), ["6"; 6]);
    files
        .run("motifs cluster all.meme --cut 2")
        .fails(2, &["--cut 2: a p-value is 1 at most"]);
    assert!(!names(files.path("")).contains(&"out".to_string()));
}
