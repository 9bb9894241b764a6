//! What both forms of the recurrence take: one strand in one direction.

/// The order in which a direction takes the positions.
#[derive(Clone, Copy)]
pub enum Order {
    Up,
    Down,
}

impl Order {
    pub const BOTH: [Order; 2] = [Order::Up, Order::Down];

    #[inline(always)]
    pub fn position(self, step: usize, steps: usize) -> usize {
        match self {
            Order::Up => step,
            Order::Down => steps - 1 - step,
        }
    }
}

/// A forward recurrence: `gates` (S, 4r) hold z without its recurrent part and bias and become the gates' values.
pub struct Run<'a, T> {
    pub steps: usize,
    pub units: usize,
    pub order: Order,
    /// (r, 4r)
    pub u: &'a [T],
    /// (4r)
    pub b: &'a [T],
    pub gates: &'a mut [T],
    /// (S, r)
    pub cells: &'a mut [T],
    /// (S, 2r), of which this direction has r from `offset` on.
    pub out: &'a mut [T],
    pub offset: usize,
    /// 2r to work with.
    pub state: &'a mut [T],
}

/// The same backward: `dz` (S, 4r) is written.
pub struct Back<'a, T> {
    pub steps: usize,
    pub units: usize,
    pub order: Order,
    pub u: &'a [T],
    pub ut: &'a [T],
    pub gates: &'a [T],
    pub cells: &'a [T],
    pub dy: &'a [T],
    pub offset: usize,
    pub dz: &'a mut [T],
    /// 3r to work with.
    pub state: &'a mut [T],
}
