//! Bindings: which handler gets which events, as the API and the command line set it up.

use signalbox_model::handler::{Binding, EventKind, OnFailure, Scope};
use signalbox_model::{Address, Conversation, TenantId};

use crate::assign::{self, Asked, Whose};
use crate::error::Error;
use crate::handle::{Handle, is_name};

/// Bindings that aren't of one number: each is looked at for every event.
const MAX_WIDE: usize = 100;
/// Numbers in one binding.
const MAX_NUMBERS: usize = 1_000;

/// Why a binding wasn't made.
#[derive(Debug, thiserror::Error)]
pub enum BindRefused {
    /// The tenant has no such number.
    #[error("the tenant has no such number")]
    Number,
    /// The tenant has no such handler.
    #[error("there is no handler of this name; upload it first with PUT /v1/handlers/{{name}}")]
    Handler,
    /// Its name can't be one.
    #[error(
        "a binding's name is 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter; `explain` is taken; one of a \
         number alone has the number for its name"
    )]
    Name,
    /// What it is about can't be understood.
    #[error("{0}")]
    Scope(String),
    /// There are too many.
    #[error("{0}")]
    TooMany(String),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

/// A binding to be made.
#[derive(Debug, Clone)]
pub struct NewBinding {
    /// Its name; the number's text for one of a number alone.
    pub name: String,
    /// Which events it is about.
    pub scope: Scope,
    /// Of which kinds; all that the handler exports if it is empty.
    pub kinds: Vec<EventKind>,
    /// The handler's name.
    pub handler: String,
    /// What becomes of drafts whose handler fails.
    pub on_failure: OnFailure,
}

impl Handle {
    /// Gives all of a number's events to a handler.
    pub async fn bind(&self, tenant: &TenantId, number: &Address, handler: &str) -> Result<Binding, BindRefused> {
        let new = NewBinding {
            name: number.to_string(),
            scope: Scope::Number(number.clone()),
            kinds: Vec::new(),
            handler: handler.to_owned(),
            on_failure: OnFailure::default(),
        };
        self.put_binding(tenant, new).await
    }

    /// Makes or changes a binding.
    pub async fn put_binding(&self, tenant: &TenantId, new: NewBinding) -> Result<Binding, BindRefused> {
        let account = self.0.directory.account(tenant).ok_or(BindRefused::Number)?;
        let is_own = |number: &Address| account.tenant.numbers.contains_key(number);
        let NewBinding { name, mut scope, mut kinds, handler, on_failure } = new;
        match &mut scope {
            Scope::Number(number) if !is_own(number) => return Err(BindRefused::Number),
            Scope::Numbers(numbers) => {
                if numbers.is_empty() || numbers.len() > MAX_NUMBERS {
                    return Err(BindRefused::Scope(format!(
                        "`numbers` are 1 to {MAX_NUMBERS} of the tenant's numbers"
                    )));
                }
                if !numbers.iter().all(is_own) {
                    return Err(BindRefused::Number);
                }
                numbers.sort();
                numbers.dedup();
            }
            Scope::Prefix(prefix) => {
                let digits = prefix.strip_prefix('+').unwrap_or(prefix);
                if digits.is_empty() || digits.len() > 15 || !digits.bytes().all(|c| c.is_ascii_digit()) {
                    let form = "`prefix` is the beginning of numbers: `+` and digits, or digits of short codes";
                    return Err(BindRefused::Scope(form.to_owned()));
                }
            }
            Scope::Campaign(campaign) if campaign.is_empty() || campaign.len() > 64 => {
                return Err(BindRefused::Scope("`campaign` is a name of 1 to 64 bytes".to_owned()));
            }
            Scope::Number(_) | Scope::Campaign(_) | Scope::Tenant => {}
        }
        let of_number = matches!(&scope, Scope::Number(number) if number.to_string() == name);
        if !of_number && (!is_name(&name) || name == "explain") {
            return Err(BindRefused::Name);
        }
        if !account.handlers.contains_key(&handler) {
            return Err(BindRefused::Handler);
        }
        let named = account.bindings.all().filter(|binding| binding.name != binding_number(binding)).count();
        if !of_number && account.bindings.get(&name).is_none() && named >= MAX_WIDE {
            let most = format!("there are {MAX_WIDE} bindings besides those of single numbers; that is the most");
            return Err(BindRefused::TooMany(most));
        }
        kinds.sort();
        kinds.dedup();
        let made_at = self.0.clock.now();
        let binding = Binding { tenant: tenant.clone(), name, scope, kinds, handler, on_failure, made_at };
        self.0.directory.put_binding(binding.clone()).await?;
        Ok(binding)
    }

    /// A tenant's bindings, by name.
    pub fn bindings(&self, tenant: &TenantId) -> Vec<Binding> {
        let account = self.0.directory.account(tenant);
        account.map(|account| account.bindings.all().map(|one| Binding::clone(one)).collect()).unwrap_or_default()
    }

    /// A binding.
    pub fn binding(&self, tenant: &TenantId, name: &str) -> Option<Binding> {
        self.0.directory.account(tenant)?.bindings.get(name).map(|binding| Binding::clone(binding))
    }

    /// Forgets a binding; `false` if there was none.
    pub async fn delete_binding(&self, tenant: &TenantId, name: &str) -> Result<bool, Error> {
        self.0.directory.delete_binding(tenant, name).await
    }

    /// Is it one of the tenant's numbers?
    pub fn has_number(&self, tenant: &TenantId, number: &Address) -> bool {
        self.0.directory.account(tenant).is_some_and(|account| account.tenant.numbers.contains_key(number))
    }

    /// Who would get an event of this kind between these two, and why; `None` if the tenant's end isn't its number.
    pub fn whose(
        &self,
        tenant: &TenantId,
        ours: &Address,
        theirs: &Address,
        campaign: Option<&str>,
        kind: EventKind,
    ) -> Option<Whose> {
        let account = self.0.directory.account(tenant)?;
        if !account.tenant.numbers.contains_key(ours) {
            return None;
        }
        let pair = Conversation { tenant: tenant.clone(), ours: ours.clone(), theirs: theirs.clone() };
        // What has no message, or one that came in, names no campaign: there it is the number's.
        let named = campaign.filter(|_| matches!(kind, EventKind::Draft | EventKind::Receipt));
        Some(assign::explain(&account, &Asked::of(&self.0, &pair, named, kind)))
    }
}

/// The name of a binding of a number alone.
fn binding_number(binding: &Binding) -> String {
    match &binding.scope {
        Scope::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
