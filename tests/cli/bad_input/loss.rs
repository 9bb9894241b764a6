//! A loss that is not finite.

use crate::common::assert_no_leftovers;
use crate::common::kinds::Kind;

for_each_kind! {
    a_loss_that_is_not_finite_stops_the_run_and_never_becomes_best;
}

fn a_loss_that_is_not_finite_stops_the_run_and_never_becomes_best<K: Kind>() {
    let data = K::small();
    data.train("model", K::WILD).fails(
        1,
        &["loss is", "epoch 1, step", "model holds no good state yet"],
    );
    assert_no_leftovers(data.folder());
    assert!(!data.path("model/model.best.safetensors").exists());
    for reading in data.reading("model", "never") {
        data.run(&reading.arguments)
            .fails(1, &["model: no model.best.safetensors"]);
    }
    // The folder can be used again.
    data.run(&data.train_over_arguments("model")).ok();
}
