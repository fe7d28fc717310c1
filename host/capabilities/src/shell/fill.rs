//! Secrets in the places of their placeholders: in the input and the variables of a program.

use runtime::capability::Guard as _;

use crate::bindings::system_bus::durable::shell::Command;
use crate::refusal::{Answer, Refusal};
use crate::secrets::{Filler, Part, Vault};

/// Fills in what this program gets, as far as the component's secrets may go to it.
///
/// Refused where one may not, and where a placeholder stands in an argument: arguments are seen by everybody on the
/// machine.
pub(crate) fn fill(command: &mut Command, filler: &Filler, vault: &Vault) -> Answer<()> {
    let program = &command.program;
    if command.arguments.iter().any(|argument| vault.has_placeholder(argument.as_bytes())) {
        return Err(Refusal::invalid(format!(
            "an argument of `{program}` holds a placeholder of a secret, and all of the machine's users can see \
             arguments: put it into the input or into a variable"
        )));
    }
    let to = format!("program:{program}");
    for (name, value) in &mut command.variables {
        if let Some(secret) = filler.fill(Part::Variable, &to, value.as_bytes())? {
            *value = String::from_utf8(secret).map_err(|_| {
                Refusal::invalid(format!(
                    "the secret in the variable `{name}` of `{program}` is no UTF-8: put it into the input"
                ))
            })?;
        }
    }
    if let Some(input) = filler.fill(Part::Input, &to, &command.input)? {
        command.input = input;
    }
    Ok(())
}
