//! What a command says of a model of another kind, and of what is not a model folder.

use crate::common::bytes;
use crate::common::kinds::Kind;
use crate::common::snapshot::Snapshot;

for_each_kind! {
    a_model_of_the_other_kind_is_named_with_its_command;
    a_model_of_the_other_kind_is_not_written_over;
    training_goes_on_with_no_model_of_the_other_kind;
    a_weights_file_is_told_as_what_it_is;
    what_is_not_a_model_is_told;
    a_model_of_an_unknown_kind_is_named_as_that;
}

/// A model of the other kind in the folder `other`.
fn with_other<K: Kind>() -> K {
    let (data, other) = (K::small(), K::Other::small());
    other.train("model", &K::Other::epochs(1)).ok();
    std::fs::rename(other.path("model"), data.path("other"))
        .or_else(|_| copy(&other.path("model"), &data.path("other")))
        .unwrap();
    data
}

fn copy(from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for name in crate::common::names(from) {
        std::fs::write(to.join(&name), bytes(from.join(&name)))?;
    }
    Ok(())
}

/// Every command that reads a model refuses this one, and leaves all as it was; the messages by command.
fn refused_by_all<K: Kind>(data: &K, model: &str, parts: &[&str]) {
    let readings = data.reading(model, "never");
    let before = Snapshot::of(data.folder());
    for reading in readings {
        data.run(&reading.arguments).refused(parts);
        before.assert_same(&reading.arguments);
    }
}

/// `cisgrad KIND COMMAND` of what a command of this kind is called with the other one.
fn a_model_of_the_other_kind_is_named_with_its_command<K: Kind>() {
    let data: K = with_other();
    let command = format!("cisgrad {} ", K::Other::NAME);
    refused_by_all(
        &data,
        "other",
        &["other", K::Other::TITLE, K::TITLE, &command],
    );
}

fn a_model_of_the_other_kind_is_not_written_over<K: Kind>() {
    let data: K = with_other();
    let convert = data.convert_arguments("weights", "other");
    let before = Snapshot::of(data.folder());
    for arguments in [data.train_arguments("other", ""), convert] {
        data.run(&arguments).fails(1, &["other"]);
        before.assert_same(&arguments);
    }
}

fn training_goes_on_with_no_model_of_the_other_kind<K: Kind>() {
    let data: K = with_other();
    let before = Snapshot::of(data.folder());
    data.train("other", "--resume")
        .refused(&["other", K::Other::TITLE]);
    before.assert_same("train --resume");
}

fn a_weights_file_is_told_as_what_it_is<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let file = "model/state.safetensors";
    refused_by_all(&data, file, &[file, "weights"]);
}

/// A file of another format, a folder without a model.
fn what_is_not_a_model_is_told<K: Kind>() {
    let data = K::small();
    data.write("notes.txt", "notes\n");
    std::fs::create_dir(data.path("empty")).unwrap();
    refused_by_all(&data, "notes.txt", &["notes.txt", "model folder"]);
    refused_by_all(&data, "empty", &["empty", "model folder"]);
}

fn a_model_of_an_unknown_kind_is_named_as_that<K: Kind>() {
    let data = K::small();
    std::fs::create_dir(data.path("new")).unwrap();
    data.write(
        "new/config.json",
        "{\"version\": \"9.0.0\", \"model\": \"hyena\", \"network\": {}}\n",
    );
    refused_by_all(&data, "new", &["new", "hyena"]);
}
