//! `fields`: headers.

use super::types::HeaderError;
use crate::call::Call;
use crate::wasi::Context;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};

/// Headers; those of a request that is built, or of an answer, can't be changed any more.
pub(crate) struct Fields {
    pub(super) entries: Vec<(String, Vec<u8>)>,
    pub(super) fixed: bool,
}

type Changed = (Result<(), HeaderError>,);
type This = Resource<Fields>;

impl Fields {
    fn size(&self) -> usize {
        self.entries.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    fn values(&self, name: &str) -> Vec<Vec<u8>> {
        let of_name = self.entries.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.clone()).collect()
    }
}

pub(super) fn add_to(types: &mut LinkerInstance<'_, Call>) -> wasmtime::Result<()> {
    types.resource("fields", ResourceType::host::<Fields>(), |mut cx, rep| {
        cx.data_mut().web.table.delete(This::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap("[constructor]fields", |mut cx: Context<'_>, (): ()| Ok((new(&mut cx, Vec::new(), false)?,)))?;
    types.func_wrap("[static]fields.from-list", |mut cx: Context<'_>, (entries,): (Vec<(String, Vec<u8>)>,)| {
        if entries.iter().any(|(name, value)| !is_header(name, value)) {
            return Ok((Err(HeaderError::InvalidSyntax),));
        }
        Ok((Ok(new(&mut cx, entries, false)?),))
    })?;
    types.func_wrap("[method]fields.get", |mut cx: Context<'_>, (this, name): (This, String)| {
        Ok((cx.data_mut().web.table.get(&this)?.values(&name),))
    })?;
    types.func_wrap("[method]fields.has", |mut cx: Context<'_>, (this, name): (This, String)| {
        Ok((!cx.data_mut().web.table.get(&this)?.values(&name).is_empty(),))
    })?;
    types.func_wrap(
        "[method]fields.set",
        |cx: Context<'_>, (this, name, values): (This, String, Vec<Vec<u8>>)| -> wasmtime::Result<Changed> {
            change(cx, &this, &name, values, true)
        },
    )?;
    types.func_wrap("[method]fields.delete", |cx: Context<'_>, (this, name): (This, String)| {
        change(cx, &this, &name, Vec::new(), true)
    })?;
    types.func_wrap(
        "[method]fields.append",
        |cx: Context<'_>, (this, name, value): (This, String, Vec<u8>)| -> wasmtime::Result<Changed> {
            change(cx, &this, &name, vec![value], false)
        },
    )?;
    types.func_wrap("[method]fields.entries", |mut cx: Context<'_>, (this,): (This,)| {
        Ok((cx.data_mut().web.table.get(&this)?.entries.clone(),))
    })?;
    types.func_wrap("[method]fields.clone", |mut cx: Context<'_>, (this,): (This,)| {
        let entries = cx.data_mut().web.table.get(&this)?.entries.clone();
        Ok((new(&mut cx, entries, false)?,))
    })
}

/// New headers in the guest's hands.
pub(super) fn new(cx: &mut Context<'_>, entries: Vec<(String, Vec<u8>)>, fixed: bool) -> wasmtime::Result<This> {
    let web = &mut cx.data_mut().web;
    let fields = Fields { entries, fixed };
    web.hold(fields.size())?;
    Ok(web.push(fields)?)
}

fn change(
    mut cx: Context<'_>,
    this: &This,
    name: &str,
    values: Vec<Vec<u8>>,
    replace: bool,
) -> wasmtime::Result<Changed> {
    let web = &mut cx.data_mut().web;
    web.hold(values.iter().map(|value| name.len() + value.len()).sum())?;
    let fields = web.table.get_mut(this)?;
    if fields.fixed {
        return Ok((Err(HeaderError::Immutable),));
    }
    if values.iter().any(|value| !is_header(name, value)) {
        return Ok((Err(HeaderError::InvalidSyntax),));
    }
    if replace {
        fields.entries.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
    }
    fields.entries.extend(values.into_iter().map(|value| (name.to_ascii_lowercase(), value)));
    Ok((Ok(()),))
}

fn is_header(name: &str, value: &[u8]) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token) && !value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0))
}
