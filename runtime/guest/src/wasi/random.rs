//! `wasi:random`: everything follows from the event's seed.

use super::interface;
use crate::call::Call;
use rand::RngCore;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

type Context<'a> = StoreContextMut<'a, Call>;

pub(super) fn add_to(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    for (name, function) in [("random", "random"), ("insecure", "insecure-random")] {
        let mut random = linker.instance(&interface(&format!("random/{name}")))?;
        random.func_wrap(&format!("get-{function}-bytes"), |mut cx: Context<'_>, (length,): (u64,)| {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let call = cx.data_mut();
            call.check_reply_size(length)?;
            let mut bytes = vec![0; length];
            call.wasi.rng().fill_bytes(&mut bytes);
            Ok((bytes,))
        })?;
        random.func_wrap(&format!("get-{function}-u64"), |mut cx: Context<'_>, (): ()| {
            Ok((cx.data_mut().wasi.rng().next_u64(),))
        })?;
    }
    let mut seed = linker.instance(&interface("random/insecure-seed"))?;
    seed.func_wrap("insecure-seed", |mut cx: Context<'_>, (): ()| {
        let rng = cx.data_mut().wasi.rng();
        Ok(((rng.next_u64(), rng.next_u64()),))
    })
}
