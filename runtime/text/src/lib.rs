//! GSM 03.38 and UCS-2, smart encoding, segmentation, concatenation, receipt text. No I/O.
