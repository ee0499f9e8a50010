package demo

// correspondents is everybody who is a contact. The last entries have no
// company name: they are private customers and the notary.
var correspondents = tie([]*company{
	{name: "Harbour Street Hotels", domain: "harbourstreet.example", lang: english, office: "reception", phone: "+441632960101", people: []*person{
		{first: "Margaret", last: "Ellison", local: "m.ellison", title: "Head of purchasing", second: "margaret.ellison@homepost.example"},
		{first: "Daniel", last: "Okoro", local: "d.okoro", title: "Food and beverage manager"},
		{first: "Priya", last: "Nair", local: "p.nair", title: "Accounts payable"},
	}},
	{name: "Thistle & Rye Bakeries", domain: "thistlerye.example", lang: english, office: "hello", phone: "+441632960114", people: []*person{
		{first: "Fiona", last: "Kerr", local: "fiona", title: "Owner"},
		{first: "Callum", last: "Boyd", local: "callum", title: "Shop manager"},
	}},
	{name: "Oakmere Garden Centres", domain: "oakmere.example", lang: english, phone: "+441632960127", people: []*person{
		{first: "Helen", last: "Whitcombe", local: "helen.whitcombe", title: "Buyer, gifts and home"},
		{first: "Graham", last: "Tull", local: "graham.tull", title: "Merchandising"},
		{first: "Sian", last: "Prosser", local: "sian.prosser", title: "Accounts"},
	}},
	{name: "The Copper Ladle", domain: "copperladle.test", lang: english, people: []*person{
		{first: "Tom", last: "O'Rourke", local: "tom", title: "Chef patron", second: "tom.orourke@homepost.example"},
	}},
	{name: "Northgate Catering", domain: "northgate-catering.example", lang: english, office: "office", phone: "+441632960139", people: []*person{
		{first: "Yasmin", last: "Haddad", local: "yhaddad", title: "Operations director"},
		{first: "Luke", last: "Fenwick", local: "lfenwick", title: "Stock controller"},
		{first: "Joan", last: "Mercer", local: "jmercer", title: "Finance"},
	}},
	{name: "Linden & Sohn Gastrobedarf", domain: "lindensohn.example", lang: german, office: "einkauf", phone: "+493023125101", people: []*person{
		{first: "Jürgen", last: "Linden", local: "j.linden", title: "Geschäftsführer"},
		{first: "Katrin", last: "Böhm", local: "k.boehm", title: "Einkauf", second: "katrin.boehm@posthaus.example"},
		{first: "Stefan", last: "Weiß", local: "s.weiss", title: "Buchhaltung"},
	}},
	{name: "Gasthof Zur Alten Mühle", domain: "alte-mühle.example", lang: german, people: []*person{
		{first: "Sabine", last: "Oberhofer", local: "sabine", title: "Inhaberin"},
		{first: "Florian", last: "Oberhofer", local: "florian", title: "Küchenchef"},
	}},
	{name: "Kaffeerösterei Brandt", domain: "roesterei-brandt.example", lang: german, office: "kontakt", people: []*person{
		{first: "Miriam", last: "Brandt", local: "miriam.brandt", title: "Inhaberin"},
		{first: "Tobias", last: "Krüger", local: "tobias.krueger", title: "Filialleitung"},
	}},
	{name: "Möbelhaus Seidel", domain: "moebel-seidel.example", lang: german, phone: "+493023125117", people: []*person{
		{first: "Annegret", last: "Seidel", local: "a.seidel", title: "Einkaufsleitung"},
		{first: "Ralf", last: "Götze", local: "r.goetze", title: "Warenannahme"},
		{first: "Nadine", last: "Fuchs", local: "n.fuchs", title: "Marketing"},
	}},
	{name: "Hôtel des Tilleuls", domain: "hotel-des-tilleuls.example", lang: french, office: "accueil", phone: "+33199005501", people: []*person{
		{first: "Hélène", last: "Marchais", local: "h.marchais", title: "Directrice"},
		{first: "Benoît", last: "Lacaze", local: "b.lacaze", title: "Chef de cuisine"},
		{first: "Chloé", last: "Guérin", local: "c.guerin", title: "Économat", second: "chloe.guerin@postelibre.example"},
	}},
	{name: "Maison Clairval Décoration", domain: "maison-clairval.example", lang: french, people: []*person{
		{first: "Agnès", last: "Clairval", local: "agnes", title: "Gérante"},
		{first: "Loïc", last: "Rivoire", local: "loic", title: "Responsable des achats"},
	}},
	{name: "Brasserie du Canal", domain: "brasserieducanal.test", lang: french, people: []*person{
		{first: "Frédéric", last: "Noël", local: "frederic.noel", title: "Gérant"},
		{first: "Inès", last: "Bouvier", local: "ines.bouvier", title: "Comptabilité"},
	}},
	{name: "Vallon & Fils Traiteur", domain: "vallon-traiteur.example", lang: french, office: "commandes", people: []*person{
		{first: "Gérard", last: "Vallon", local: "gerard", title: "Traiteur"},
		{first: "Élodie", last: "Vallon", local: "elodie", title: "Réceptions"},
	}},
	{name: "De Groene Tafel", domain: "degroenetafel.example", lang: dutch, office: "info", phone: "+31970101201", people: []*person{
		{first: "Marieke", last: "van Aerle", local: "marieke", title: "Eigenaar"},
		{first: "Joris", last: "Dekkers", local: "joris", title: "Chef-kok"},
	}},
	{name: "Kookwinkel De Lepel", domain: "kookwinkel-delepel.example", lang: dutch, people: []*person{
		{first: "Anouk", last: "Smeets", local: "a.smeets", title: "Inkoop"},
		{first: "Bram", last: "Hofstede", local: "b.hofstede", title: "Magazijn", second: "bram.hofstede@thuispost.example"},
	}},
	{name: "Café Lindewater", domain: "lindewater.test", lang: dutch, people: []*person{
		{first: "Daniëlle", last: "Kuipers", local: "danielle", title: "Uitbaatster"},
	}},
	{name: "Restauracja Pod Lipą", domain: "podlipą.example", lang: polish, people: []*person{
		{first: "Małgorzata", last: "Wójcik", local: "malgorzata", title: "Właścicielka"},
		{first: "Paweł", last: "Zając", local: "pawel", title: "Szef kuchni"},
	}},
	{name: "Dom i Stół sp. z o.o.", domain: "domistol.example", lang: polish, office: "biuro", phone: "+48229000110", people: []*person{
		{first: "Agnieszka", last: "Dąbrowska", local: "a.dabrowska", title: "Kierownik zakupów"},
		{first: "Łukasz", last: "Śliwiński", local: "l.sliwinski", title: "Magazyn"},
	}},
	{name: "株式会社みどり食器", domain: "midori-shokki.example", lang: japanese, office: "info", people: []*person{
		{first: "健太", last: "森田", local: "k.morita", title: "仕入部 部長"},
		{first: "由美", last: "石川", local: "y.ishikawa", title: "営業部"},
	}},
	{name: "喫茶あおば", domain: "kissa-aoba.test", lang: japanese, people: []*person{
		{first: "さくら", last: "青葉", local: "sakura", title: "店主"},
	}},
	{name: "Ξενοδοχείο Ελαιώνας", domain: "elaionas.example", lang: greek, office: "info", people: []*person{
		{first: "Ελένη", last: "Παππά", local: "e.pappa", title: "Διευθύντρια"},
		{first: "Νίκος", last: "Δημητρίου", local: "n.dimitriou", title: "Προμήθειες"},
	}},
	{name: "Ταβέρνα Το Λιμανάκι", domain: "limanaki.test", lang: greek, people: []*person{
		{first: "Γιώργος", last: "Αντωνίου", local: "giorgos", title: "Ιδιοκτήτης"},
	}},
	{name: "Weald Clay & Glaze", domain: "weald-clay.example", lang: english, supplier: true, office: "orders", phone: "+441632960152", people: []*person{
		{first: "Peter", last: "Lathbury", local: "peter.lathbury", title: "Technical sales"},
		{first: "Ruth", last: "Amstell", local: "ruth.amstell", title: "Order desk"},
	}},
	{name: "Boxwright Packaging", domain: "boxwright.test", lang: english, supplier: true, people: []*person{
		{first: "Simone", last: "Achebe", local: "simone", title: "Account manager"},
		{first: "Keith", last: "Dunning", local: "keith", title: "Dispatch"},
	}},
	{name: "Norden Spedition", domain: "norden-spedition.example", lang: german, supplier: true, office: "dispo", people: []*person{
		{first: "Uwe", last: "Petersen", local: "u.petersen", title: "Disposition"},
		{first: "Birgit", last: "Möller", local: "b.moeller", title: "Kundenbetreuung"},
	}},
	{name: "Druckerei Falk", domain: "druckerei-falk.example", lang: german, supplier: true, people: []*person{
		{first: "Jörg", last: "Falk", local: "falk", title: "Inhaber"},
	}},
	{name: "Quillfeather Accountants", domain: "quillfeather.example", lang: english, supplier: true, office: "mail", phone: "+441632960168", people: []*person{
		{first: "Dorothy", last: "Lamb", local: "d.lamb", title: "Partner"},
		{first: "Imran", last: "Siddiqui", local: "i.siddiqui", title: "Senior accountant", second: "imran.siddiqui@homepost.example"},
	}},
	{domain: "hartwell.example", lang: english, people: []*person{
		{first: "Nora", last: "Hartwell", local: "family"},
		{first: "Simon", last: "Hartwell", local: "family", second: "simon@hartwell.example"},
	}},
	{domain: "adler-notary.example", lang: english, people: []*person{
		{first: "Ruth", last: "Adler", local: "r.adler", title: "Notary", never: true},
	}},
})

// tie gives every person its company.
func tie(companies []*company) []*company {
	for _, c := range companies {
		for _, p := range c.people {
			p.company = c
		}
	}
	return companies
}
