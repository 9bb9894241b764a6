//! Runs of FactorNet: all factors at once, cell lines, and `-oc`.

use super::Resumes;
use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::process::{kill_after, kill_until_done, spawn, wait_for};
use crate::common::same_end::assert_same_end;
use crate::common::{Random, bytes, names, text};

impl Resumes for Cells {
    fn variants() -> Vec<(Cells, Vec<String>)> {
        let flags = [
            "-i A B -m -g --annotations annotations -n 2",
            "-r -1 --precision f64 --track-storage f16",
            "-r 0 --batch-size 17",
        ];
        vec![(Cells::new(), flags.map(String::from).to_vec())]
    }

    const FIRST: &'static str = "-m -g --annotations annotations";

    fn others(&self) -> Vec<(String, &'static str)> {
        std::fs::create_dir(self.path("other")).unwrap();
        for name in names(self.path("annotations")) {
            let (from, to) = (format!("annotations/{name}"), format!("other/{name}"));
            std::fs::copy(self.path(&from), self.path(&to)).unwrap();
        }
        std::fs::copy(self.path("genome.fa"), self.path("copy.fa")).unwrap();
        self.write("black.bed", "chr1\t40000\t40101\n");
        let others = [
            ("--batch-size 16", "--batch-size 100"),
            ("-s 3", "--seed 420"),
            ("-n 2", "--negatives 1"),
            ("-v chr2:0-30000", "--validchroms chr2"),
            ("-t chr3:0-30000", "--testchroms chr3"),
            ("-i A B", "--inputdirs"),
            ("-vi B", "--validinputdirs"),
            ("-f MAX", "--factor CTCF"),
            ("-k 5", "-k 4"),
            ("-p 0.1", "-p 0.5"),
            ("-mo", "without --motif, this run has --motif;"),
            ("--track-scale mean", "--track-scale none"),
            ("--track-storage f16", "--track-storage f32"),
            ("--gencode-span peak", "--gencode-span"),
            ("--precision f64", "--precision f32"),
            ("--genome copy.fa", "--genome"),
            ("--blacklist black.bed", "blacklist.bed"),
            ("--chrom-sizes genome.sizes", "input files"),
        ];
        let more = others.map(|(flags, name)| (format!("{} {flags}", Self::FIRST), name));
        let instead = [
            ("-m -g --annotations other", "--annotations"),
            ("-g --annotations annotations", "meta.txt"),
            ("-m", "--annotations"),
        ];
        let instead = instead.map(|(flags, name)| (flags.to_string(), name));
        more.into_iter().chain(instead).collect()
    }

    fn changed_files(&self) -> Vec<(&'static str, String, &'static str)> {
        vec![
            (
                "A/CTCF.bed",
                text(self.path("A/CTCF.bed")) + "chr1\t9000\t9300\n",
                "CTCF.bed",
            ),
            (
                "A/meta.txt",
                "0.5\tg1\n-1.5 g2\n".to_string(),
                "meta.txt [[0.5,-1.25]]",
            ),
            (
                "A/bigwig.txt",
                "../B/dgf.bw DGF\n".to_string(),
                "bigwig.txt",
            ),
        ]
    }

    const LONGER: &'static str = "-e 3 -ep 7 --threads 1";
}

#[test]
fn all_factors_at_once_go_on_as_well() {
    let cells = Cells::new();
    for threads in 1..=2 {
        let out = format!("all_{threads}");
        cells.train_all(&out, &format!("--threads {threads}")).ok();
        assert_same_end(&cells.path("all_1"), &cells.path(&out));
    }
    let line = |out: &str| {
        format!(
            "factornet train -i A -v chr2 -t chr3 -e 8 --batch-size 10 -L 200 -w 10 -k 4 -r 3 -d 8 --genome genome.fa -o {out}"
        )
    };
    cells.run(&line("whole")).ok();
    let state = cells.path("killed/state.safetensors");
    kill_after(cells.folder(), &line("killed"), &state);
    kill_until_done(cells.folder(), &line("killed"), &mut Random(2));
    assert_same_end(&cells.path("whole"), &cells.path("killed"));
}

#[test]
fn a_folder_that_is_there_is_written_over_by_oc_alone() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let best = || bytes(cells.path("model/model.best.safetensors"));
    let before = best();
    cells.train("model", "-s 3 -e 1").fails(
        1,
        &["model exists: choose another -o, write over it with -oc"],
    );
    assert!(best() == before);
    std::fs::create_dir(cells.path("empty")).unwrap();
    cells.train("empty", "-e 1").fails(1, &["empty exists"]);
    cells.write("model/note.txt", "mine");
    cells.train("", "-s 3 -e 1 -m -oc model").ok();
    assert!(best() != before);
    // Another network, without what the first one left; other files stay.
    cells.train("", "-s 3 -e 1 -oc model").ok();
    assert!(!cells.path("model/meta.txt").exists());
    assert_eq!(text(cells.path("model/note.txt")), "mine");
    cells.write("file", "");
    cells.train("", "-oc file").fails(1, &["file"]);
    cells
        .train("", "-o a -oc b")
        .fails(2, &["cannot be used with"]);
}

#[test]
fn a_folder_in_use_is_not_written_over_either() {
    let (cells, flags) = Cells::long();
    let endless = format!("{flags} {}", Cells::epochs(5000));
    let mut first = spawn(cells.folder(), &cells.train_arguments("model", &endless));
    wait_for(&cells.path("model/state.safetensors"), &mut first);
    cells.train("model", &endless).fails(1, &["model exists"]);
    cells
        .train("", &format!("{endless} -oc model"))
        .fails(1, &["model: another run writes into this folder"]);
    assert!(first.try_wait().unwrap().is_none());
    first.kill().unwrap();
    first.wait().unwrap();
}

/// Genome and tracks are too large to be hashed: they are known by their bases and means.
#[test]
fn another_genome_or_track_under_the_same_name_is_refused() {
    let cells = Cells::new();
    cells.train("m", "-e 1").ok();
    let before = bytes(cells.path("m/state.safetensors"));
    let resume = || cells.train("m", "-e 2 --resume");
    let genome = text(cells.path("genome.fa"));
    cells.write("genome.fa", genome.replacen("\nA", "\nC", 1));
    resume().fails(1, &["--resume", "m was started with the bases of a genome"]);
    cells.write("genome.fa", &genome);
    let track = bytes(cells.path("A/dgf.bw"));
    std::fs::copy(cells.path("B/dgf.bw"), cells.path("A/dgf.bw")).unwrap();
    resume().fails(1, &["--resume", "the track 'DGF' of ", "A and its mean of"]);
    assert_eq!(bytes(cells.path("m/state.safetensors")), before);
    std::fs::write(cells.path("A/dgf.bw"), track).unwrap();
    resume().ok();
}
