//! Where rules may send a call: agents, and the routes and queues that the PBX has.

use super::*;

#[test]
fn an_owner_is_an_agent_only_by_his_id_in_that_source_or_by_his_address() {
    holds(
        r#"
        line_style = "PJSIP"
        [[project.sales.rule]]
        agent = "{{ contact.agent }}"
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, owner = "7", source = "customers" }
        expect = { direct_line = "PJSIP/ion-popescu" }
        [[project.sales.test]]
        title = "the same id in another source is somebody else"
        telephone = "0722111222"
        contact = { id = 1, owner = "7", source = "vips" }
        expect = { direct_line = "" }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, owner = "Ion@Acme.ro", source = "vips" }
        expect = { direct_line = "PJSIP/ion-popescu" }"#,
    );
}

#[test]
fn an_owner_whom_another_source_has_lent_is_no_id_of_the_own_source() {
    let project =
        project("fill = true\n[[project.sales.rule]]\nwhen = \"contact.agent\"\nagent = \"{{ contact.agent }}\"\n");
    let contact = |id, owner: &str| {
        let mut contact = Contact { id: ContactId::Integer(id), ..Contact::default() };
        contact.set(Field::Owner, owner);
        Arc::new(contact)
    };
    let candidate = |source: &str, place, contact| Candidate {
        source: source.into(),
        place,
        hit: Hit { contact, rung: Rung::Exact },
    };
    let candidates = [candidate("customers", 0, contact(1, "")), candidate("vips", 1, contact(2, "7"))];
    let person = merge::choose(&candidates, None, project.guesses, project.fill).unwrap();
    assert_eq!(person.known.get(Field::Owner), Some("7"), "the name of the owner was lent");
    let (ruleset, _) = Ruleset::compile(&project);
    let number = Arc::new(number::parse("+40722111222", &project.numbering));
    let facts = Facts {
        project: &project,
        call: &Arc::new(crate::lookup::scripted::call_for_tests("+40722111222")),
        number: &number,
        dnid: None,
        person: Some(&person),
        candidates: &candidates,
        stranger: None,
        outcome: Outcome::Found,
        now: NOON,
        recalled: Recalled::nothing(),
    };
    assert_eq!(decide(&facts, &ruleset).caller_data.direct_line, None);
}

#[test]
fn a_number_that_is_no_route_has_a_route_without_parts() {
    holds(
        r#"
        [[project.sales.route]]
        identifier = "main"
        number = "0310000000"
        language = "hu"
        [[project.sales.rule]]
        when = "caller.unknown"
        language = "{{ call.route.language or 'ro' }}"
        queue = "{% if call.route.number %}known-line{% else %}other-line{% endif %}"
        [[project.sales.test]]
        telephone = "0722111222"
        dnid = "0310 000 000"
        expect = { language = "hu", direct_line = "known-line" }
        [[project.sales.test]]
        telephone = "0722111222"
        dnid = "0310 000 999"
        expect = { language = "ro", direct_line = "other-line" }
        [[project.sales.test]]
        telephone = "0722111222"
        expect = { language = "ro", direct_line = "other-line" }"#,
    );
}

#[test]
fn only_routes_and_queues_that_the_pbx_has_leave_whoever_names_them() {
    holds(
        r#"
        queues = ["sales-queue"]
        [[project.sales.route]]
        identifier = "main"
        number = "0310000000"
        language = "hu"
        [[project.sales.rule]]
        when = "contact.company"
        route_identifier = "{{ contact.company }}"
        queue = "{{ contact.company }}"
        [[project.sales.rule]]
        language = "{{ call.route.language }}"
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, company = "no-such-queue" }
        expect = { route_identifier = "", direct_line = "" }
        [[project.sales.test]]
        title = "also what the contact has"
        telephone = "0722111222"
        dnid = "+40 310 000 000"
        contact = { id = 1, route_identifier = "other", direct_line = "other-queue" }
        expect = { route_identifier = "", direct_line = "", language = "hu" }
        [[project.sales.test]]
        telephone = "0722111222"
        contact = { id = 1, route_identifier = "main", direct_line = "SIP/ion" }
        expect = { route_identifier = "main", direct_line = "SIP/ion" }"#,
    );
}
