//! Flags that no run can have, and those that one must have.

use super::BadInput;

for_each_kind! {
    flags_that_no_run_can_have_are_usage_errors;
    what_is_required_is_named;
}

fn flags_that_no_run_can_have_are_usage_errors<K: BadInput>() {
    let data = K::small();
    for (flags, message) in K::IMPOSSIBLE {
        data.refuses(flags, 2, &[message]);
    }
}

fn what_is_required_is_named<K: BadInput>() {
    let data = K::small();
    let whole = data.train_arguments("never", "");
    for (words, message) in K::REQUIRED {
        let without = whole.replace(words, "");
        assert_ne!(without, whole, "{words}");
        data.run(&without).fails(2, &[message]);
        assert!(!data.path("never").exists(), "{words}");
    }
}
