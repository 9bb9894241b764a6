//! Tests that are written once and run for every kind of model.

/// Makes tests of functions that are generic over the kind: `tisfm::name` and `factornet::name`. A test that a known fault
/// lets fail names it, for the kind that has it.
macro_rules! for_each_kind {
    ($($name:ident $(, tisfm fault: $tisfm:literal)? $(, factornet fault: $factornet:literal)?;)*) => {
        mod tisfm {
            $(
                #[test]
                $(#[ignore = $tisfm])?
                fn $name() {
                    super::$name::<crate::common::tisfm::Data>();
                }
            )*
        }
        mod factornet {
            $(
                #[test]
                $(#[ignore = $factornet])?
                fn $name() {
                    super::$name::<crate::common::factornet::Cells>();
                }
            )*
        }
    };
}
