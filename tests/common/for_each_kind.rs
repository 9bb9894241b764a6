//! Tests that are written once and run for every kind of model.

/// Makes tests of functions that are generic over the kind: `tisfm::name` and `factornet::name`.
macro_rules! for_each_kind {
    ($($name:ident;)*) => {
        mod tisfm {
            $(
                #[test]
                fn $name() {
                    super::$name::<crate::common::tisfm::Data>();
                }
            )*
        }
        mod factornet {
            $(
                #[test]
                fn $name() {
                    super::$name::<crate::common::factornet::Cells>();
                }
            )*
        }
    };
}
