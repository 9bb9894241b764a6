//! Addresses in device memory, typed by element and by whether a kernel may write there. Copies are free and nothing is
//! checked: the planner gives them out, kernels alone follow them.

use std::fmt;
use std::marker::PhantomData;

/// Read by a kernel (`const T*`).
#[repr(transparent)]
pub struct In<T>(u64, PhantomData<T>);

/// Read and written by a kernel (`T*`).
#[repr(transparent)]
pub struct Out<T>(u64, PhantomData<T>);

macro_rules! pointer {
    ($name:ident) => {
        impl<T> $name<T> {
            pub const NULL: Self = $name(0, PhantomData);

            pub fn new(address: u64) -> Self {
                $name(address, PhantomData)
            }

            pub fn address(self) -> u64 {
                self.0
            }

            /// The address this many elements on.
            #[must_use]
            pub fn at(self, elements: usize) -> Self {
                Self::new(self.0 + (elements * size_of::<T>()) as u64)
            }

            /// The same place read as another type.
            pub fn cast<U>(self) -> $name<U> {
                $name::new(self.0)
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    };
}

pointer!(In);
pointer!(Out);

impl<T> Out<T> {
    pub fn input(self) -> In<T> {
        In::new(self.0)
    }
}
