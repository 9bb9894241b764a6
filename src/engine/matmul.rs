//! Matrix product on strided views, by the `gemm` crate: one place for its pointers.

use super::Real;

/// A view of `rows x cols` numbers: element (i, j) is `data[i * row_stride + j * col_stride]`.
/// Views may overlap themselves (windows of a sequence).
#[derive(Clone, Copy)]
pub struct Mat<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> Mat<'a, T> {
    /// Row-major and dense.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols, 1)
    }

    /// # Panics
    /// When the last element lies outside `data`.
    pub fn strided(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        assert!(
            rows == 0
                || cols == 0
                || (rows - 1) * row_stride + (cols - 1) * col_stride < data.len(),
            "matrix {rows} x {cols} by strides {row_stride}, {col_stride} does not fit {}",
            data.len()
        );
        Mat {
            data,
            rows,
            cols,
            row_stride,
            col_stride,
        }
    }

    /// The transpose: rows and columns change places.
    pub fn t(self) -> Self {
        Mat {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// A row-major matrix to write, its rows `row_stride >= cols` apart.
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

impl<'a, T> MatMut<'a, T> {
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// # Panics
    /// When rows overlap or the last element lies outside `data`.
    pub fn strided(data: &'a mut [T], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(row_stride >= cols, "rows of a written matrix overlap");
        assert!(rows == 0 || cols == 0 || (rows - 1) * row_stride + cols <= data.len());
        MatMut {
            data,
            rows,
            cols,
            row_stride,
        }
    }
}

/// `out = a b`, or `out += a b` with `add`. `parallel` spreads it over the threads.
///
/// # Panics
/// When the shapes do not fit.
pub fn matmul<T: Real>(
    out: MatMut<'_, T>,
    add: bool,
    a: Mat<'_, T>,
    b: Mat<'_, T>,
    parallel: bool,
) {
    assert!(
        a.cols == b.rows && a.rows == out.rows && b.cols == out.cols,
        "shapes of a matrix product"
    );
    if out.rows == 0 || out.cols == 0 {
        return;
    }
    let parallelism = if parallel {
        gemm::Parallelism::Rayon(0)
    } else {
        gemm::Parallelism::None
    };
    // SAFETY: the constructors checked that every element of the three views lies inside its
    // slice and that no two elements of `out` share a place; `out` is borrowed exclusively.
    unsafe {
        gemm::gemm(
            out.rows,
            out.cols,
            a.cols,
            out.data.as_mut_ptr(),
            1,
            out.row_stride as isize,
            add,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_sum_of_products(m in 0usize..9, n in 0usize..9, k in 0usize..9, add: bool, ta: bool) {
            let number = |i: usize| ((i * 37 % 19) as f64) - 9.0;
            let a: Vec<f64> = (0..m * k).map(number).collect();
            let b: Vec<f64> = (0..k * n).map(|i| number(i + 5)).collect();
            let mut out = vec![2.0; m * n];
            let a_view = if ta { Mat::new(&a, k, m).t() } else { Mat::new(&a, m, k) };
            matmul(MatMut::new(&mut out, m, n), add, a_view, Mat::new(&b, k, n), false);
            for i in 0..m {
                for j in 0..n {
                    let at = |p: usize| if ta { a[p * m + i] } else { a[i * k + p] };
                    let sum: f64 = (0..k).map(|p| at(p) * b[p * n + j]).sum();
                    prop_assert_eq!(out[i * n + j], sum + if add { 2.0 } else { 0.0 });
                }
            }
        }
    }

    #[test]
    fn windows_of_a_sequence_are_a_view() {
        let x = [1.0f64, 2.0, 3.0, 4.0];
        let mut out = [0.0; 3];
        matmul(
            MatMut::new(&mut out, 1, 3),
            false,
            Mat::new(&[10.0, 1.0], 1, 2),
            Mat::strided(&x, 2, 3, 1, 1),
            false,
        );
        assert_eq!(out, [12.0, 23.0, 34.0]);
    }
}
