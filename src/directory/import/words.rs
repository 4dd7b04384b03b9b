//! The words that people write above their columns, in English, Romanian, German, French and Spanish.
//!
//! A header is folded first: case, accents, blanks, underscores and camel case fall away. Then it is looked up as a
//! whole, and only what is left is searched for a word that means "telephone".

use crate::model::Field;

/// What a header may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The id of the contact.
    Id,
    /// A field of a contact.
    Field(Field),
    /// The first name in English, which may stand beside a full name.
    FirstName,
    /// The first name in another language, where the word for "name" beside it is the family name.
    ForeignFirstName,
    /// The family name.
    LastName,
    /// The country in which the row's numbers are read.
    Country,
    /// Whether this contact speaks for all who share its number.
    Primary,
    /// Numbers.
    Telephone,
    /// A range of numbers.
    Block,
    /// What kind of number the column beside it holds.
    NumberLabel,
    /// The extension of the number in the column beside it.
    NumberExtension,
    /// A number if no other column is one.
    PerhapsTelephone,
}

/// Whole headers, without accents, blanks and digits.
const HEADERS: [(Meaning, &str); 19] = [
    (
        Meaning::Id,
        "id contactid customerid clientid customernumber customerno clientnumber recordid contactuuid \
         uuid idclient codclient numarclient kundennummer kundennr kundenid kontaktid numeroclient \
         codeclient idcliente numerocliente codigocliente",
    ),
    (
        Meaning::Field(Field::Name),
        "name fullname displayname contactname customername clientname customer contact nume \
         numecomplet numesiprenume numeprenume numeleclientului numeclient client persoanadecontact \
         persoanacontact vollername vollstandigername anzeigename kundenname kunde kontakt \
         ansprechpartner nom nomcomplet nomprenom nometprenom nomclient nomduclient nombre \
         nombrecompleto nombreyapellidos nombrecliente cliente contacto",
    ),
    (Meaning::FirstName, "firstname givenname forename fname namegiven namefirst contactnamegiven"),
    (Meaning::ForeignFirstName, "prenume prenumele vorname prenom primernombre nombredepila"),
    (
        Meaning::LastName,
        "lastname surname familyname lname namefamily namelast contactnamefamily numedefamilie numefamilie \
         nachname familienname zuname nomdefamille apellido apellidos",
    ),
    (
        Meaning::Field(Field::Company),
        "company companyname organization organisation organizationname organisationname \
         contactorganization org accountname businessname firma numefirma denumire denumirefirma denumireclient \
         societate companie firmenname unternehmen organisationsname entreprise societe raisonsociale \
         empresa compania razonsocial organizacion",
    ),
    (
        Meaning::Field(Field::Email),
        "email emailaddress emailvalue mail mailaddress adresaemail adresadeemail postaelectronica adresadepostaelectronica emailadresse \
         mailadresse courriel adresseemail adressemail correo correoelectronico direccionemail",
    ),
    (
        Meaning::Field(Field::Owner),
        "owner ownerid contactowner accountowner accountmanager salesrep assignedto agent responsabil proprietar \
         proprietarcontact responsabilclient betreuer kundenbetreuer besitzer kontaktbesitzer zustandig \
         sachbearbeiter responsable proprietaire \
         commercial propietario comercial asignadoa",
    ),
    (Meaning::Field(Field::BackendLink), "backendlink crmlink crmurl popuplink popupurl"),
    (Meaning::Field(Field::DirectLine), "directline"),
    (Meaning::Field(Field::QueuePosition), "queueposition"),
    (Meaning::Field(Field::RouteIdentifier), "routeidentifier"),
    (Meaning::Field(Field::OutboundNumber), "outboundnumber"),
    (Meaning::Field(Field::Language), "language lang preferredlanguage limba sprache langue idioma lengua"),
    (Meaning::Field(Field::ExternalId), "externalid extid partnerid"),
    (Meaning::Country, "country countrycode countryiso tara codtara land landercode pays codepays pais codigopais"),
    (Meaning::Primary, "primary isprimary primarycontact contactprincipal hauptkontakt"),
    (
        Meaning::Block,
        "block numberblock numberrange phoneblock phonerange extensionrange extensionsrange bloc bloctelefonic \
         bloccunumere blocdenumere nummernblock rufnummernblock rufnummernbereich plagedenumeros \
         rangodenumeros intervalinterioare nebenstellenbereich plagedepostes rangodeextensiones",
    ),
    (Meaning::PerhapsTelephone, "number numbers numar numarul numere nummer nummern numero numeros"),
];

/// Words of which one makes a column hold numbers.
const TELEPHONE: &str = "phone phones tel mobile mobiles cell cellular gsm fax telefax pager landline switchboard callback \
     callerid msisdn whatsapp isdn telex telno telnr nrtel mobil mobilul celular handy handynummer handynr mobilnr \
     mobilnummer festnetz festnetznummer rufnummer rufnummern durchwahl movil centralita";

/// Headers that mean a number only when they stand alone.
const TELEPHONE_ALONE: &str = "work home office serviciu acasa birou fix centrala travail domicile bureau fixe portable \
     trabajo casa fijo geschaftlich standard zentrale";

/// Words beside "phone" that make the column say something about a number.
const LABEL: &str = "label type typ tip tipo libelle etiqueta";

/// Words that mean an extension.
const EXTENSION: &str = "ext extension extensions interior nebenstelle poste extensie";

/// Words beside "phone" after which the column is none of our business.
const ABOUT: &str = "flags flag speeddial speed locale country code prefix valid verified date id optin consent notes \
     status description";

/// Says whether the name of a column says that it holds telephone numbers.
#[must_use]
pub fn is_telephone_column(name: &str) -> bool {
    matches!(Folded::new(name).meaning(), Some(Meaning::Telephone | Meaning::PerhapsTelephone))
}

/// A header, made comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folded {
    words: Vec<String>,
}

impl Folded {
    /// Splits at blanks, marks and camel case; lower case, without accents.
    pub(super) fn new(header: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut before = Kind::Other;
        for character in header.chars() {
            let kind = Kind::of(character);
            if kind == Kind::Accent {
                continue;
            }
            let starts = match (before, kind) {
                (_, Kind::Other) => false,
                (Kind::Lower, Kind::Upper) => true,
                (before, kind) => before == Kind::Other || (before == Kind::Digit) != (kind == Kind::Digit),
            };
            if starts {
                words.push(String::new());
            }
            if let (true, Some(word)) = (kind != Kind::Other, words.last_mut()) {
                character.to_lowercase().for_each(|lower| push_plain(lower, word));
            }
            before = kind;
        }
        Self { words }
    }

    /// All words and digits in one.
    pub(super) fn whole(&self) -> String {
        self.words.concat()
    }

    /// What the number is told from its label by: `phone_1_type` and `Phone 1 - Value` are both about `phone1`.
    pub(super) fn subject(&self) -> String {
        let says_how = |word: &str| {
            has_word(LABEL, word)
                || has_word(EXTENSION, word)
                || matches!(word, "value" | "number" | "numar" | "nummer")
        };
        self.words.iter().filter(|word| !says_how(word)).map(String::as_str).collect()
    }

    /// What the header means, if that can be told.
    pub(super) fn meaning(&self) -> Option<Meaning> {
        let letters: String = self.letters().collect();
        let known = HEADERS.iter().find(|(_, headers)| has_word(headers, &letters));
        known.map(|(meaning, _)| *meaning).or_else(|| self.telephone())
    }

    fn telephone(&self) -> Option<Meaning> {
        let has = |list: &str| self.letters().any(|word| has_word(list, word));
        let letters: String = self.letters().collect();
        let number = self.letters().any(is_telephone_word);
        if has_word(EXTENSION, &letters) || (number && has(EXTENSION)) {
            return Some(Meaning::NumberExtension);
        }
        if has_word(TELEPHONE_ALONE, &letters) || has_word(TELEPHONE, &letters) {
            return Some(Meaning::Telephone);
        }
        match number {
            true if has(LABEL) => Some(Meaning::NumberLabel),
            true if !has(ABOUT) => Some(Meaning::Telephone),
            _ => None,
        }
    }

    fn letters(&self) -> impl Iterator<Item = &str> {
        let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
        self.words.iter().filter(move |word| !is_number(word)).map(String::as_str)
    }
}

/// Says whether a list, its words set apart by blanks, holds a word.
fn has_word(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// Says whether a word means "telephone", also in a compound such as `Telefonnummer` or `workphone`.
fn is_telephone_word(word: &str) -> bool {
    has_word(TELEPHONE, word)
        || word.ends_with("phone")
        || word.ends_with("telefon")
        || ["telefon", "telephon", "rufnummer", "phonenum", "phoneno", "mobilnum", "mobilenum"]
            .iter()
            .any(|start| word.starts_with(start))
}

/// What kind of character stands in a header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lower,
    Upper,
    Digit,
    /// A mark that belongs to the letter before it.
    Accent,
    Other,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            '\u{300}'..='\u{36f}' => Self::Accent,
            _ if character.is_numeric() => Self::Digit,
            _ if character.is_uppercase() => Self::Upper,
            _ if character.is_alphabetic() => Self::Lower,
            _ => Self::Other,
        }
    }
}

/// Appends a small letter without its accent.
fn push_plain(lower: char, word: &mut String) {
    word.push(match lower {
        'ă' | 'â' | 'á' | 'à' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'í' | 'ì' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ő' => 'o',
        'ú' | 'ù' | 'û' | 'ü' | 'ű' => 'u',
        'ș' | 'ş' | 'ß' => 's',
        'ț' | 'ţ' => 't',
        'ñ' => 'n',
        'ç' => 'c',
        '\u{300}'..='\u{36f}' => return,
        other => other,
    });
    if lower == 'ß' {
        word.push('s');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(header: &str) -> Option<Meaning> {
        Folded::new(header).meaning()
    }

    #[test]
    fn case_blanks_underscores_and_accents_do_not_matter() {
        for header in ["first_name", "First Name", "FIRSTNAME", "firstName", "First-Name"] {
            assert_eq!(meaning(header), Some(Meaning::FirstName), "{header}");
        }
        for header in ["Téléphone", "Telefon mobil", "Teléfono móvil", "Te\u{301}le\u{301}phone", "TELEFÓN"] {
            assert_eq!(meaning(header), Some(Meaning::Telephone), "{header}");
        }
        assert_eq!(meaning("Țara"), Some(Meaning::Country));
        for header in ["Adresă e-mail", "Adresă de poștă electronică", "Poştă electronică"] {
            assert_eq!(meaning(header), Some(Meaning::Field(Field::Email)), "{header}");
        }
    }

    #[test]
    fn numbers_are_recognised_in_five_languages() {
        let headers = "telephone_2|Phone 1 - Value|phone_1_number|Mobile Phone|Business Fax|BusinessPhone2|Company Main Phone|\
            Nr. telefon|Număr de telefon|Telefon fix|Handy|Telefonnummer (Büro)|Rufnummer|Festnetz|Durchwahl|Portable|\
            Tél. fixe|Numéro de téléphone|Móvil|Teléfono fijo|work|Birou|Tel 2|WhatsApp|Caller-ID|Phone No.";
        for header in headers.split('|') {
            assert_eq!(meaning(header), Some(Meaning::Telephone), "{header}");
        }
    }

    #[test]
    fn whoever_looks_after_a_contact_is_its_owner_in_five_languages() {
        for header in ["Contact Owner", "Proprietar contact", "Kontaktbesitzer", "Propriétaire", "Propietario"] {
            assert_eq!(meaning(header), Some(Meaning::Field(Field::Owner)), "{header}");
        }
    }

    #[test]
    fn what_is_about_a_number_is_not_a_number() {
        for header in ["Phone 1 - Label", "phone_1_type", "Telefon Typ"] {
            assert_eq!(meaning(header), Some(Meaning::NumberLabel), "{header}");
        }
        assert_eq!(meaning("phone_1_extension"), Some(Meaning::NumberExtension));
        for header in
            ["Phonetic First Name", "phone_1_flags", "Phone Country Code", "Notes", "Office Location", "Private"]
        {
            assert_eq!(meaning(header), None, "{header}");
        }
    }

    #[test]
    fn a_number_and_its_label_have_the_same_subject() {
        assert_eq!(Folded::new("Phone 1 - Label").subject(), Folded::new("Phone 1 - Value").subject());
        assert_eq!(Folded::new("phone_2_type").subject(), Folded::new("phone_2_number").subject());
        assert_ne!(Folded::new("Phone 1 - Label").subject(), Folded::new("Phone 2 - Value").subject());
    }

    #[test]
    fn a_customer_number_is_an_id_and_an_address_is_nothing_known() {
        for header in ["Kundennummer", "Numéro client", "Cod client", "customer_number", "ID"] {
            assert_eq!(meaning(header), Some(Meaning::Id), "{header}");
        }
        for header in
            ["Standard Price", "Fix Version", "Address 1 - Country", "Business Country/Region", "", "Nr. crt.", "Data"]
        {
            assert_eq!(meaning(header), None, "{header}");
        }
    }
}
