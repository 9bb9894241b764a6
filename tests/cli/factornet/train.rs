//! `cisgrad factornet train`.

use crate::common::factornet::{BASES, Cells};
use crate::common::kinds::Kind;
use crate::common::same_end::history;
use crate::common::{Table, bytes, names, text};
use serde_json::Value;

fn config(cells: &Cells, model: &str) -> Value {
    serde_json::from_str(&text(cells.path(&format!("{model}/config.json")))).unwrap()
}

fn best(cells: &Cells, model: &str) -> Vec<u8> {
    bytes(cells.path(&format!("{model}/model.best.safetensors")))
}

fn last(cells: &Cells, model: &str) -> Vec<u8> {
    bytes(cells.path(&format!("{model}/model.last.safetensors")))
}

/// The peaks of a file on a chromosome that touch neither the blacklist grown by 200 nor the chromosome's ends.
fn kept(cells: &Cells, peaks: &str, chromosome: &str) -> usize {
    let black = [("chr1", 40_000, 40_100), ("chr3", 30_000, 30_500)];
    let peaks = text(cells.path(peaks));
    let spans = peaks.lines().map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let number = |i: usize| columns[i].parse::<i64>().unwrap();
        (columns[0].to_string(), number(1), number(2))
    });
    let inside = |(c, start, end): &(String, i64, i64)| {
        let ends = *start < 200 || *end > i64::from(BASES) - 200;
        let touches =
            |&(b, from, to): &(&str, i64, i64)| c == b && *start < to + 200 && *end > from - 200;
        c == chromosome && !ends && !black.iter().any(touches)
    };
    spans.filter(inside).count()
}

#[test]
fn one_factor_leaves_a_model_with_the_originals_lists() {
    let cells = Cells::new();
    let run = cells.train("model", "").ok();
    let files = "bigwig.txt chip.txt config.json feature.txt history.tsv model.best.safetensors model.last.safetensors scores.json state.safetensors";
    assert_eq!(names(cells.path("model")).join(" "), files);
    for (list, content) in [
        ("chip.txt", "CTCF\n"),
        ("bigwig.txt", "DGF\n"),
        ("feature.txt", "bigwig\n"),
    ] {
        assert_eq!(text(cells.path(&format!("model/{list}"))), content);
    }
    let (train, held) = (
        kept(&cells, "A/CTCF.bed", "chr1"),
        kept(&cells, "A/CTCF.bed", "chr2"),
    );
    assert!(train > 20 && held > 20, "{train} {held}");
    let counts = format!(
        "{train} positives for training, {} samples for validation",
        2 * held
    );
    assert!(run.err.contains(&counts), "{counts}: {}", run.err);
    assert!(run.err.contains("best validation loss"), "{}", run.err);
    assert!(run.out.is_empty(), "{}", run.out);
    let epochs = history(cells.path("model/history.tsv"));
    assert_eq!(epochs.len(), 2);
    for column in 1..5 {
        let value: f64 = epochs[1][column].parse().unwrap();
        assert!(
            value > 0.0 && (column % 2 == 1 || value <= 1.0),
            "{epochs:?}"
        );
    }
}

#[test]
fn every_flag_is_taken_as_the_original_spells_it() {
    let cells = Cells::new();
    let line = "factornet train -i A -vi B -v chr2 -t chr3 -e 1 -ep 4 -lr 0.005 -n 2 -L 202 -w 11 -k 5 -r -1 -d 6 -p 0.25 -s 7 -f CTCF -m -g -mo -oc model \
                --motif-db motifs.meme --annotations annotations --genome genome.fa --blacklist blacklist.bed --batch-size 50";
    let run = cells.run(line).ok();
    assert!(
        run.err.contains("known motif for two kernels: M1"),
        "{}",
        run.err
    );
    let config = config(&cells, "model");
    let (flags, network) = (&config["flags"], &config["network"]);
    let folder = |name: &str| Value::from(cells.path(name).canonicalize().unwrap().to_str());
    assert_eq!(flags["inputdirs"], Value::from(vec![folder("A")]));
    assert_eq!(flags["validinputdirs"], Value::from(vec![folder("B")]));
    for (flag, value) in [
        ("epochs", Value::from(1)),
        ("patience", Value::from(4)),
        ("learningrate", Value::from(0.005)),
        ("negatives", Value::from(2)),
        ("seed", Value::from(7)),
        ("factor", Value::from("CTCF")),
        ("motif", Value::from(true)),
        ("batch_size", Value::from(50)),
        ("validchroms", Value::from(vec!["chr2"])),
        ("testchroms", Value::from(vec!["chr3"])),
    ] {
        assert_eq!(flags[flag], value, "{flag}");
    }
    for (size, value) in [
        ("length", 202),
        ("motif_width", 11),
        ("kernels", 5),
        ("dense", 6),
        ("meta", 8),
    ] {
        assert_eq!(network[size], value, "{size}");
    }
    assert!(
        network["recurrent"].to_string().contains("global_max"),
        "{}",
        network["recurrent"]
    );
    assert_eq!(network["dropout"]["dense"], 0.25);
    assert_eq!(
        text(cells.path("model/feature.txt")),
        "bigwig\nmeta\ngencode\n"
    );
    assert_eq!(text(cells.path("model/meta.txt")), "g1\ng2\n");
    // Both over the same folder, and another seed is another model.
    let before = best(&cells, "model");
    cells.run(&line.replace("-s 7", "-s 8")).ok();
    assert!(best(&cells, "model") != before);
}

#[test]
fn the_motif_and_its_reverse_complement_fill_the_first_two_kernels() {
    let cells = Cells::new();
    // A rate so low that nothing moves by more than a millionth; a width that the motif fits.
    cells
        .train("model", "-mo --motif-db motifs.meme -w 14 -e 1 -lr 1e-9")
        .ok();
    let file = cells.path("model/model.best.safetensors");
    let name = "convolution1d_1_W";
    let weights = crate::common::parameter(&file, name);
    let channels = weights.len() / (14 * 4);
    let at = |j: usize, c: usize, k: usize| weights[(j * channels + c) * 4 + k];
    let high = (0.97_f64 + 0.001) / 1.004 / 0.25;
    // Stored flipped: read from the end, kernel 0 is the motif from its second position on.
    let planted: Vec<usize> = crate::common::factornet::PLANTED
        .chars()
        .map(|b| "ACGT".find(b).unwrap())
        .collect();
    for (i, &base) in planted.iter().enumerate() {
        let found = at(14 - 1 - (1 + i), base, 0);
        assert!((found - high.log2()).abs() < 1e-5, "position {i}: {found}");
        let other = at(14 - 1 - (14 - 2 - i), 3 - base, 1);
        assert!((other - high.log2()).abs() < 1e-5, "position {i}: {other}");
    }
    let run = cells.train("cut", "-mo --motif-db motifs.meme -e 1").ok();
    assert!(
        run.err
            .contains("M1 (ctcf) has 12 positions, -w is 10: 2 are cut off"),
        "{}",
        run.err
    );
}

/// Of several motifs of the factor's name it is said which are another motif.
#[test]
fn motifs_of_one_name_that_do_not_resemble_each_other_are_named() {
    let cells = Cells::new();
    let known = crate::motifs::meme(&[
        "A1 CCACTAGGTGGC",
        "A2 NGCCACCTAGTGGN",
        "A3 TGAGTCATAAAT",
        "B1 TGAGTCAT",
    ]);
    // The first three are the factor's.
    let known = [" a1\n", " a2\n", " a3\n"]
        .iter()
        .fold(known, |text, name| text.replace(name, " CTCF\n"));
    cells.write("known.meme", known);
    let run = cells
        .train("model", "-mo --motif-db known.meme -w 14 -e 1")
        .ok();
    assert!(
        run.err.contains("the first of 3 motifs of CTCF"),
        "{}",
        run.err
    );
    let note = "note: 'A3' does not resemble A1 beyond chance";
    assert!(run.err.contains(note), "{}", run.err);
    let run = cells
        .train(
            "other",
            "-mo --motif-db known.meme --motif-name A3 -w 14 -e 1",
        )
        .ok();
    assert!(!run.err.contains("does not resemble"), "{}", run.err);
}

#[test]
fn networks_without_lstm_with_a_global_maximum_and_on_dna_alone_train() {
    let cells = Cells::new();
    for (out, flags, recurrent) in [
        ("none", "-r 0 -e 1", "flatten"),
        ("maximum", "-r -1 -e 1", "global_max"),
        ("maximum5", "-r -5 -e 1", "global_max"),
    ] {
        cells.train(out, flags).ok();
        let found = config(&cells, out)["network"]["recurrent"].to_string();
        assert!(found.contains(recurrent), "{flags}: {found}");
    }
    // The folder is used as the original's would be, by its chip.txt alone.
    std::fs::create_dir(cells.path("D")).unwrap();
    std::fs::copy(cells.path("A/CTCF.bed"), cells.path("D/CTCF.bed")).unwrap();
    cells.write("D/chip.txt", "CTCF.bed CTCF");
    cells.train("dna", "-i D -e 1").ok();
    assert!(!names(cells.path("dna")).contains(&"bigwig.txt".to_string()));
    assert!(!cells.path("dna/feature.txt").exists());
    cells.write("w.bed", "chr3\t5000\t5200\n");
    cells
        .on("predict", "-i D -m dna -f CTCF -b w.bed -o p.gz")
        .ok();
    assert_eq!(cells.scored("p.gz").len(), 1);
    cells.on("evaluate", "-i D -m dna -t chr3").ok();
    cells
        .on("visualize", "-i D -m dna -b w.bed -c chr3 -o v")
        .ok();
}

#[test]
fn two_cell_lines_are_pooled_and_others_validate() {
    let cells = Cells::new();
    let run = cells.train("pooled", "-i A B -m -e 1").ok();
    let of = |chromosome| {
        kept(&cells, "A/CTCF.bed", chromosome) + kept(&cells, "B/CTCF.bed", chromosome)
    };
    let counts = format!(
        "{} positives for training, {} samples",
        of("chr1"),
        2 * of("chr2")
    );
    assert!(run.err.contains(&counts), "{counts}: {}", run.err);
    let run = cells.train("other", "-i A -vi B -e 1").ok();
    let (train, held) = (
        kept(&cells, "A/CTCF.bed", "chr1"),
        kept(&cells, "B/CTCF.bed", "chr2"),
    );
    let counts = format!("{train} positives for training, {} samples", 2 * held);
    assert!(run.err.contains(&counts), "{counts}: {}", run.err);
    // A folder that is named twice counts twice, and that is said.
    let run = cells.train("twice", "-i A B/../A -e 1").ok();
    assert!(
        run.err.contains("-i names B/../A more than once"),
        "{}",
        run.err
    );
    let counts = format!(
        "{} positives for training, {} samples",
        2 * train,
        4 * kept(&cells, "A/CTCF.bed", "chr2")
    );
    assert!(run.err.contains(&counts), "{counts}: {}", run.err);
    // The names must agree, -vi included.
    cells.write("B/bigwig.txt", "dgf.bw DNase\n");
    for flags in ["-i A B", "-i A -vi B"] {
        cells.refuses(flags, 1, &["bigwig.txt", "differ: 'DGF' and 'DNase'"]);
    }
}

#[test]
fn stranded_tracks_change_places_on_the_other_strand() {
    let cells = Cells::new();
    cells.track("A/f.bw", |chromosome, start| {
        ((start / 25 + chromosome) % 7) as f32
    });
    cells.write("A/bigwig.txt", "f.bw x_fwd\ndgf.bw DGF\ndgf.bw x_rev\n");
    cells.train("model", "-e 1").ok();
    assert_eq!(
        config(&cells, "model")["network"]["rc_order"],
        serde_json::json!([2, 1, 0])
    );
    cells.write("A/bigwig.txt", "f.bw x_fwd\ndgf.bw DGF\n");
    cells.refuses("", 1, &["track 'x_fwd' has no 'x_rev' beside it"]);
}

#[test]
fn chromosomes_regions_and_bed_files_say_the_same() {
    let cells = Cells::new();
    cells.write(
        "v.bed",
        "track name=v\nchr2\t0\t30000\nchr2\t30000\t60000\n",
    );
    cells.write("t.bed", "chr3\t0\t60000\tall\n");
    cells.train("names", "").ok();
    cells
        .train(
            "regions",
            "-v chr2:0-60000 -t chr3:0-30000 chr3:30000-60000",
        )
        .ok();
    cells.train("beds", "-v v.bed -t t.bed").ok();
    for other in ["regions", "beds"] {
        assert!(best(&cells, "names") == best(&cells, other), "{other}");
    }
    // A chromosome can be split; what lies in neither trains.
    let run = cells
        .train("split", "-v chr1:0-20000 -t chr1:20000-30000")
        .ok();
    assert!(!run.err.contains("warning"), "{}", run.err);
    assert!(best(&cells, "names") != best(&cells, "split"));
}

#[test]
fn absent_chromosomes_are_noted_by_default_and_errors_when_requested() {
    let cells = Cells::new();
    let arguments = |more: &str| {
        format!(
            "factornet train -i A -f CTCF -e 1 -L 200 -w 10 -k 4 -r 3 -d 8 --genome genome.fa -o never {more}"
        )
    };
    let run = cells.run(&arguments("-v chr2")).ok();
    let note = "-t: by default 'chr8', 'chr21', not in genome.fa and left out";
    assert!(run.err.contains(note), "{}", run.err);
    assert!(run.err.contains("no --blacklist"), "{}", run.err);
    std::fs::remove_dir_all(cells.path("never")).unwrap();
    let no_window = cells.run(&arguments("-t chr3"));
    let ask = "no validation region: none of the default chromosomes (chr11) is in genome.fa; name some with -v";
    no_window.fails(2, &[ask]);
    assert!(!cells.path("never").exists());
    for flags in ["-v chr11 -t chr3", "-v chr2 -t chr1 chr8"] {
        cells.refuses(
            flags,
            2,
            &["neither a chromosome in use (genome.fa has 'chr1', 'chr2', 'chr3')"],
        );
    }
    cells.refuses(
        "-v chr2 -t chr2:0-50",
        2,
        &["-v and -t overlap at chr2:0-50"],
    );
    cells.refuses("-v chr2:0-60001", 2, &["chr2 has 60000 bases"]);
    cells.refuses("-v chr2:0-300", 1, &["no positive for validation"]);
    cells.write("empty.bed", "");
    cells.refuses("-v empty.bed", 1, &["no positive for validation"]);
}

#[test]
fn the_largest_shift_is_a_setting_of_a_run() {
    let cells = Cells::new();
    cells.train("far", "-e 1").ok();
    cells.train("near", "-e 1 --max-shift 3").ok();
    assert_eq!(config(&cells, "near")["flags"]["max_shift"], 3);
    assert!(best(&cells, "far") != best(&cells, "near"));
    cells
        .train("near", "-e 2 --max-shift 4 --resume")
        .fails(1, &["--max-shift 3, this run has 4"]);
    let run = cells.train_all("all", "-e 1 --max-shift 3").ok();
    assert!(run.err.contains("--max-shift is ignored"), "{}", run.err);
}

/// By half a cosine; it is a part of the run.
#[test]
fn the_rate_can_fall_over_the_epochs() {
    let cells = Cells::new();
    cells.train("model", "-e 4 -ep 4 --lr-decay cosine").ok();
    let rates = Table::read(cells.path("model/history.tsv")).numbers("lr");
    let half = std::f64::consts::SQRT_2 / 2.0;
    for (rate, share) in rates.iter().zip([2.0, 1.0 + half, 1.0, 1.0 - half]) {
        assert!((rate - 0.0005 * share).abs() < 1e-12, "{rates:?}");
    }
    assert_eq!(rates.len(), 4);
    cells.train("constant", "-e 4 -ep 4").ok();
    assert_ne!(last(&cells, "model"), last(&cells, "constant"));
    cells
        .train("model", "-e 4 -ep 4 --resume")
        .fails(1, &["--resume: model was started with --lr-decay cosine"]);
}

/// What the recipe says is what the flags it stands for say; a flag wins over it.
#[test]
fn a_recipe_is_a_set_of_flags() {
    let cells = Cells::new();
    let spelled = "-n 3 --track-transform log1p --max-shift 60 --batch-size 20 --lr-decay cosine --best-by auPRC -ep 60";
    cells.train("recipe", "-e 2 --recipe recommended").ok();
    cells.train("spelled", &format!("-e 2 {spelled}")).ok();
    assert_eq!(last(&cells, "recipe"), last(&cells, "spelled"));
    assert_eq!(best(&cells, "recipe"), best(&cells, "spelled"));
    let other = "-e 2 --recipe recommended --lr-decay none";
    cells.train("other", other).ok();
    assert_ne!(last(&cells, "recipe"), last(&cells, "other"));
    let rates = Table::read(cells.path("other/history.tsv"));
    assert!(!rates.header.iter().any(|name| name == "lr"));
    // Without it a line says that there is one.
    let run = cells.train("model", "-e 1").ok();
    assert!(run.err.contains("--recipe recommended"), "{}", run.err);
}

#[test]
fn all_factors_at_once_take_one_folder_and_no_extras() {
    let cells = Cells::new();
    let run = cells.train_all("model", "-n 3 -e 1").ok();
    assert!(run.err.contains("note: -n is ignored"), "{}", run.err);
    assert!(run.err.contains("2 factors"), "{}", run.err);
    assert_eq!(text(cells.path("model/chip.txt")), "CTCF\nMAX\n");
    for (flags, flag) in [
        ("-vi B", "-vi"),
        ("-m", "-m"),
        ("-g", "-g"),
        ("-mo", "-mo"),
        ("-i A B", "-i with 2 folders"),
    ] {
        cells
            .train_all("never", flags)
            .fails(2, &[flag, "goes with -f"]);
        assert!(!cells.path("never").exists(), "{flags}");
    }
}

#[test]
fn a_resources_folder_serves_a_published_command_line() {
    let cells = Cells::new();
    let flags = "-g -m -mo -e 1";
    cells
        .train("given", &format!("{flags} --annotations annotations --motif-db motifs.meme --chrom-sizes genome.sizes"))
        .ok();
    std::fs::rename(cells.path("annotations"), cells.path("resources")).unwrap();
    for (from, to) in [
        ("genome.fa", "hg19.fa"),
        ("genome.sizes", "hg19.autoX.chrom.sizes"),
        ("motifs.meme", "HOCOMOCOv9.meme"),
    ] {
        std::fs::copy(cells.path(from), cells.path(&format!("resources/{to}"))).unwrap();
    }
    let black = text(cells.path("blacklist.bed"));
    cells.write_gzip("resources/blacklist.bed.gz", black);
    let network = "-v chr2 -t chr3 -L 200 -w 10 -k 4 -r 3 -d 8";
    cells
        .run(&format!(
            "factornet train -i A -f CTCF {network} {flags} -o kept"
        ))
        .ok();
    assert!(best(&cells, "given") == best(&cells, "kept"));
    // And what a command does not need it takes silently.
    cells
        .on("predict", "-m kept -f CTCF -b blacklist.bed -o p.gz -s 3 --resources no.such --genome genome.fa --annotations resources --promoter 3,4")
        .ok();
}

#[test]
fn the_scale_of_the_tracks_is_kept_with_the_model() {
    let cells = Cells::new();
    cells.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
    cells
        .train("model", "--track-scale DGF=0.5 -e 3 -lr 0.02")
        .ok();
    cells.train("plain", "-e 3 -lr 0.02").ok();
    assert!(best(&cells, "model") != best(&cells, "plain"));
    let predict = |more: &str| {
        cells
            .on("predict", &format!("-m model -b w.bed -o p.gz {more}"))
            .ok();
        cells.scored("p.gz")
    };
    let kept = predict("");
    assert_eq!(kept, predict("--track-scale DGF=0.5"));
    assert_ne!(kept, predict("--track-scale none"));
    cells.refuses(
        "--track-scale Unique=2",
        1,
        &["'Unique': there is no such track; there is 'DGF'"],
    );
    cells.refuses("--track-scale x", 2, &["track scale 'x'"]);
}

#[test]
fn early_stopping_tolerates_so_many_epochs_without_a_gain_and_one_more() {
    let cells = Cells::new();
    // A rate at which no step is a gain: the first epoch stays the best one.
    let run = cells.train("model", "-e 60 -ep 2 -lr 0.5").ok();
    let losses: Vec<f64> = history(cells.path("model/history.tsv"))
        .iter()
        .map(|row| row[3].parse().unwrap())
        .collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let best = losses.iter().position(|&l| l == least).unwrap();
    assert!(losses.len() < 60, "{losses:?}");
    assert_eq!(losses.len(), best + 1 + 3, "{losses:?}");
    assert!(
        run.err
            .contains(&format!("early stopping: no gain since epoch {}", best + 1)),
        "{}",
        run.err
    );
    // A finished run stays finished; with more patience it goes on.
    cells.train("model", "-e 60 -ep 2 -lr 0.5 --resume").ok();
    assert_eq!(history(cells.path("model/history.tsv")).len(), losses.len());
}
