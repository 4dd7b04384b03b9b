use super::*;

/// A card whose picture has so many bytes, made while it is read.
struct Pictures {
    cards: usize,
    lines: usize,
    left: usize,
    folded: bool,
    ready: Vec<u8>,
}

impl Read for Pictures {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.ready.is_empty() {
            match (self.cards, self.left) {
                (0, _) => return Ok(0),
                (_, 0) => {
                    let number = format!("\r\nTEL:0722{:06}\r\nEND:VCARD\r\n", self.cards);
                    self.ready = number.into_bytes();
                    self.cards -= 1;
                    self.left = self.lines + 1;
                }
                (_, left) if left > self.lines => {
                    self.ready = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ion\r\nPHOTO;ENCODING=b;TYPE=JPEG:".to_vec();
                    self.left -= 1;
                }
                _ => {
                    self.ready = vec![b'A'; 1 << 10];
                    if self.folded {
                        self.ready.extend(b"\r\n ");
                    }
                    self.left -= 1;
                }
            }
        }
        let length = out.len().min(self.ready.len());
        out[..length].copy_from_slice(&self.ready[..length]);
        self.ready.drain(..length);
        Ok(length)
    }
}

#[test]
fn pictures_of_50_megabytes_are_passed_over_and_not_held() {
    for folded in [true, false] {
        let lines = 25 << 10;
        let input = Pictures { cards: 2, lines, left: lines + 1, folded, ready: Vec::new() };
        let mut cards = Cards::new(input, None, false);
        let mut cells = Cells::default();
        for _ in 0..2 {
            assert_eq!(cards.next(&mut cells).unwrap(), Next::Row);
            let names: Vec<&str> = cells.cells.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["name", "telephone", "telephone label"]);
            assert!(cards.line.capacity() <= 2 * MAX_FIELD);
        }
        assert_eq!(cards.next(&mut cells).unwrap(), Next::End);
    }
}

#[test]
fn a_card_without_its_end_does_not_swallow_the_next() {
    let text = "BEGIN:VCARD\nFN:Ion\nTEL:1\nBEGIN:VCARD\nFN:Ana\nTEL:2\nEND:VCARD\nrubbish\n";
    let mut cards = Cards::new(text.as_bytes(), None, false);
    let mut cells = Cells::default();
    let mut seen = Vec::new();
    loop {
        match cards.next(&mut cells).unwrap() {
            Next::End => break,
            next => seen.push((next, cells.line, cells.cells.first().map(|(_, value)| value.clone()))),
        }
    }
    assert_eq!(
        seen,
        [
            (Next::Remark(Fault::Card), 1, None),
            (Next::Row, 1, Some("Ion".to_owned())),
            (Next::Row, 4, Some("Ana".to_owned())),
            (Next::Remark(Fault::CardLine), 8, None)
        ]
    );
}
