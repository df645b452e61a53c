// One segment is the fastest message there is: nothing to join on the handset, one price.
#ifndef SLIM_H
#define SLIM_H

#include "text.h"

// Whether a text fits into one segment of the GSM 7-bit alphabet.
bool slim_fits(text t);

// The text without blanks in a row. Curly quotes and the like are the host's to replace, and were when it took the message.
text slim_down(text t);

// The code in a text: the first 4 to 8 digits, or "123-456". Empty where there is none.
text slim_code(text t);

#endif
