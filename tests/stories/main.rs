//! One story a file.

mod a_message_is_sent_receipted_recorded_and_told;
mod our_client_speaks_to_the_npm_smsc;
mod the_python_client_speaks_to_our_smsc;
