use super::ProductMatrix;
use crate::Result;
use crate::engine::cuda::kernels::{ProductMatrixNn, ProductMatrixNt, ProductMatrixTn};
use crate::engine::cuda::{
    DeviceBackward, DeviceContext, DeviceForward, DeviceOp, Flops, Gradient, Grid, In, Needs,
    Operand, Out,
};
use crate::ops::shared::lines::sum_rows;

/// How the factors of a product C (M, N) lie in memory.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// A (M, K), B (K, N)
    Nn,
    /// A (M, K), B (N, K)
    Nt,
    /// A (K, M), B (K, N)
    Tn,
}

/// Elements from one matrix to the next.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    pub row: u32,
    pub head: u32,
}

impl Steps {
    pub fn rows(row: u32) -> Self {
        Steps { row, head: 0 }
    }
}

/// `rows` times `heads` products `C = scale A B + bias`, or with `add` `C += scale A B`.
#[derive(Clone, Copy)]
pub(crate) struct Products {
    pub form: Form,
    pub rows: usize,
    pub heads: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: In<f32>,
    pub a_steps: Steps,
    pub b: In<f32>,
    pub b_steps: Steps,
    pub c: Out<f32>,
    pub c_steps: Steps,
    /// One for each row of C, or null.
    pub bias: In<f32>,
    pub scale: f32,
    pub add: bool,
}

impl Products {
    pub fn launch(&self, around: &DeviceContext<'_>) -> Result<()> {
        let tiles = self.m.div_ceil(64) * self.n.div_ceil(64);
        let grid = Grid::new(self.rows * self.heads * tiles, 1, 1);
        macro_rules! launch {
            ($kernel:ident) => {
                around.gpu.launch(
                    grid,
                    $kernel {
                        a: self.a,
                        b: self.b,
                        bias: self.bias,
                        c: self.c,
                        m: self.m as u32,
                        n: self.n as u32,
                        k: self.k as u32,
                        heads: self.heads as u32,
                        a_row: self.a_steps.row,
                        a_head: self.a_steps.head,
                        b_row: self.b_steps.row,
                        b_head: self.b_steps.head,
                        c_row: self.c_steps.row,
                        c_head: self.c_steps.head,
                        scale: self.scale,
                        add: u32::from(self.add),
                        bf16: around.bf16(),
                    },
                )
            };
        }
        match self.form {
            Form::Nn => launch!(ProductMatrixNn),
            Form::Nt => launch!(ProductMatrixNt),
            Form::Tn => launch!(ProductMatrixTn),
        }
    }
}

/// A factor or a result: where it is, and how far its rows are apart.
type Place<T> = (T, u32);

impl ProductMatrix {
    /// One product for each row of C; `shape` is M, N and K.
    fn products(
        form: Form,
        rows: usize,
        [m, n, k]: [usize; 3],
        a: Place<In<f32>>,
        b: Place<In<f32>>,
        c: Place<Out<f32>>,
    ) -> Products {
        // The rows of A and of C are then those of one tall matrix each.
        let joined = rows > 1 && b.1 == 0 && a.1 as usize == m * k && !matches!(form, Form::Tn);
        let (rows, m) = if joined { (1, rows * m) } else { (rows, m) };
        Products {
            form,
            rows,
            heads: 1,
            m,
            n,
            k,
            a: a.0,
            a_steps: Steps::rows(a.1),
            b: b.0,
            b_steps: Steps::rows(b.1),
            c: c.0,
            c_steps: Steps::rows(c.1),
            bias: In::NULL,
            scale: 1.0,
            add: false,
        }
    }

    /// A gradient: added to each row's own, or each row's part to scratch and these summed.
    fn gradient(
        io: &DeviceBackward<'_>,
        grad: Gradient,
        products: impl Fn(Place<Out<f32>>) -> Products,
    ) -> Result<()> {
        let step = grad.len as u32;
        if grad.per_row || io.rows == 1 {
            let products = products((grad.data, step));
            return Products {
                add: true,
                ..products
            }
            .launch(&io.around);
        }
        products((io.scratch, step)).launch(&io.around)?;
        let gpu = io.around.gpu;
        sum_rows(gpu, io.scratch.input(), grad.data, io.rows, grad.len)
    }
}

fn place(x: &Operand) -> Place<In<f32>> {
    (x.data, x.stride())
}

impl DeviceOp for ProductMatrix {
    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        let multiply_adds = rows * self.m * self.n * self.k;
        Flops::product(2.0 * multiply_adds as f64, [wanted[0], wanted[1]])
    }

    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let lens = [self.m * self.k, self.k * self.n];
        let wanted = lens.iter().zip(wanted).filter(|(_, w)| **w);
        Needs {
            scratch_backward: rows * wanted.map(|(len, _)| *len).max().unwrap_or(0),
            ..Needs::default()
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let form = if self.transpose_b { Form::Nt } else { Form::Nn };
        let (a, b) = (place(&io.inputs[0]), place(&io.inputs[1]));
        let c = (io.output, (self.m * self.n) as u32);
        Self::products(form, io.rows, [self.m, self.n, self.k], a, b, c).launch(&io.around)
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (m, n, k, rows) = (self.m, self.n, self.k, io.rows);
        let (a, b) = (place(&io.inputs[0]), place(&io.inputs[1]));
        let dy = (io.grad_output, (m * n) as u32);
        if let Some(da) = io.grads[0] {
            // B^T of what the forward run took.
            let form = if self.transpose_b { Form::Nn } else { Form::Nt };
            Self::gradient(io, da, |c| Self::products(form, rows, [m, k, n], dy, b, c))?;
        }
        if let Some(db) = io.grads[1] {
            Self::gradient(io, db, |c| {
                if self.transpose_b {
                    Self::products(Form::Tn, rows, [n, k, m], dy, a, c)
                } else {
                    Self::products(Form::Tn, rows, [k, n, m], a, dy, c)
                }
            })?;
        }
        Ok(())
    }
}
