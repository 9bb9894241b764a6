//! Every reader of a file that a user may bring, as a function of a path. The fuzz targets run them on what libFuzzer
//! makes up, tests/fuzz.rs on the corpora. A reader may refuse anything; it must not panic, abort, or take more memory than
//! the file's size justifies.

use cisgrad::data::Notes;
use cisgrad::data::packed_genome::PackedGenome;
use cisgrad::data::split::regions::Choice;
use cisgrad::data::windows::annotations::Annotations;
use cisgrad::data::windows::peaks::{Peaks, Without};
use cisgrad::io::bed::{Interval, Reader};
use cisgrad::io::bigwig::BigWig;
use cisgrad::io::chrom_sizes::Chromosomes;
use cisgrad::io::genome::extract;
use cisgrad::io::keras_hdf5::read_weights;
use cisgrad::io::meme::read_meme;
use cisgrad::io::npy::read_npy_indices;
use cisgrad::io::sequences::read_sequences;
use cisgrad::io::signals::read_signals;
use cisgrad::io::sources::Sources;
use cisgrad::io::state_dict;
use cisgrad::io::stored::Stored;
use cisgrad::io::text::Lines;
use cisgrad::io::vcf;
use cisgrad::models::factornet::cell_line::{CellFolder, Lists};
use cisgrad::models::factornet::keras::architecture;
use cisgrad::models::kinds::KINDS;
use cisgrad::models::{factornet, tisfm};
use cisgrad::train::folder::config::Config;
use std::path::Path;

/// A reader's name, which is that of its target and of its corpus, and the reader: whether it takes the file.
pub type Parser = (&'static str, fn(&Path) -> bool);

pub const PARSERS: [Parser; 18] = [
    ("bed", bed),
    ("bigwig", bigwig),
    ("chrom_sizes", chrom_sizes),
    ("config", config),
    ("fasta", fasta),
    ("gtf", gtf),
    ("hdf5", hdf5),
    ("keras_json", keras_json),
    ("lists", lists),
    ("meme", meme),
    ("narrow_peak", narrow_peak),
    ("npy", npy),
    ("pickle", pickle),
    ("safetensors", safetensors),
    ("table", table),
    ("toml", toml),
    ("twobit", twobit),
    ("vcf", vcf),
];

/// The chromosomes that intervals are read against.
fn chromosomes() -> Chromosomes {
    let list = [("chr1", 1000), ("chr2", 500)].map(|(name, length)| (name.to_string(), length));
    Chromosomes::new("made for this", list.into()).expect("two names")
}

fn bed(path: &Path) -> bool {
    if let Ok(mut reader) = Reader::open(path) {
        while let Ok(Some(row)) = reader.read() {
            row.to_interval();
        }
    }
    let words = [path.display().to_string()];
    let choice = Choice {
        flag: "-v",
        what: "validation region",
        words: &words,
        explicit: true,
    };
    choice
        .regions(&Sources::new(), &chromosomes(), &mut Notes::new())
        .is_ok()
}

fn bigwig(path: &Path) -> bool {
    let Ok(file) = BigWig::open(path) else {
        return false;
    };
    let mut few = file.chromosomes().take(20);
    file.is_whole().is_ok()
        && few.all(|(name, length)| file.each_run(name, 0, length, |_, _, _| {}).is_ok())
}

fn chrom_sizes(path: &Path) -> bool {
    Chromosomes::read(path).is_ok()
}

/// A config.json, as every kind of model reads it.
fn config(path: &Path) -> bool {
    let folder = path.parent().expect("a file in a folder");
    let named = folder.join("config.json");
    if std::fs::copy(path, named).is_err() {
        return false;
    }
    let tisfm = Config::<tisfm::config::Description>::read(folder, &tisfm::KIND, KINDS);
    let factornet = Config::<factornet::config::Description>::read(folder, &factornet::KIND, KINDS);
    tisfm.is_ok() || factornet.is_ok()
}

/// As sequences, and as a genome that a BED is cut from.
fn fasta(path: &Path) -> bool {
    let sequences = read_sequences(path, None, &mut Notes::new());
    genome(path) || sequences.is_ok()
}

fn genome(path: &Path) -> bool {
    let whole = PackedGenome::read(path, None);
    let interval = Interval {
        chromosome: "chr1".to_string(),
        start: 1,
        end: 9,
        name: None,
        line: 1,
    };
    let cut = extract(path, Path::new("w.bed"), &[interval]);
    whole.is_ok() && cut.is_ok()
}

fn gtf(path: &Path) -> bool {
    let Ok(lines) = Lines::open(path) else {
        return false;
    };
    let promoter = "500,100".parse().expect("a pair of numbers");
    Annotations::from_gtf(lines, None, promoter, &chromosomes(), &mut Notes::new()).is_ok()
}

fn hdf5(path: &Path) -> bool {
    read_weights(path).is_ok()
}

fn keras_json(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| architecture::parse(&text).is_ok())
}

/// A cell line's lists: the same text serves as each.
fn lists(path: &Path) -> bool {
    let folder = path.parent().expect("a file in a folder");
    for list in ["bigwig.txt", "chip.txt", "meta.txt"] {
        if std::fs::copy(path, folder.join(list)).is_err() {
            return false;
        }
    }
    CellFolder::read(folder, Lists::ALL).is_ok()
}

fn meme(path: &Path) -> bool {
    read_meme(path).is_ok()
}

fn narrow_peak(path: &Path) -> bool {
    let Ok(lines) = Lines::open(path) else {
        return false;
    };
    let notes = &mut Notes::new();
    Peaks::read(lines, None, Without::Refused, &chromosomes(), notes).is_ok()
}

fn npy(path: &Path) -> bool {
    read_npy_indices(path).is_ok()
}

/// What PyTorch saved; the reader knows it by its first bytes.
fn pickle(path: &Path) -> bool {
    state_dict::read(path).is_ok()
}

fn safetensors(path: &Path) -> bool {
    state_dict::read(path).is_ok()
}

fn table(path: &Path) -> bool {
    read_signals(path).is_ok()
}

fn toml(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| tisfm::Spec::parse(&text, path).is_ok())
}

fn twobit(path: &Path) -> bool {
    genome(path)
}

/// A file of variants, and on its way a region's part of it.
fn vcf(path: &Path) -> bool {
    let wanted = vcf::Wanted::parse("--regions", "chr1:5-100").expect("a region");
    for wanted in [Some(&wanted), None] {
        let Ok(mut reader) = Stored::open(path).and_then(|file| vcf::Reader::open(&file, wanted))
        else {
            return false;
        };
        loop {
            match reader.read() {
                Ok(Some(record)) => drop(record.place()),
                Ok(None) => break,
                Err(_) => return false,
            }
        }
    }
    true
}

/// Hands a file with these bytes to the reader of this name; whether it takes it. The file is alone in a folder of its own, and the same one
/// each time: a target runs thousands of times a second.
///
/// # Panics
/// No reader has this name; the reader panics.
pub fn run(name: &str, bytes: &[u8]) -> bool {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a temporary folder");
    }
    let (_, parser) = PARSERS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a reader of this name");
    FOLDER.with(|folder| {
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).expect("a file in the temporary folder");
        parser(&path)
    })
}
