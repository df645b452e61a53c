//! One story a file.

mod the_python_client_speaks_to_our_smsc;
