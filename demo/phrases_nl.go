package demo

var dutch = &language{
	tag: "nl", zone: 1, summer: true,
	day:   "02-01-2006",
	hello: []string{"Beste {first},", "Dag {first},", "Hallo {first},"},
	bye:   []string{"Met vriendelijke groet,", "Hartelijke groeten,", "Groeten,"},
	wrote: "Op {date} schreef {name}:",
	re:    "Antw: ",
	items: []string{"soepborden", "koffiekopjes", "slakommen", "dessertborden", "waterkannen", "serveerschalen"},
	topics: []topic{
		{subjects: []string{"Offerte voor {qty} {item}", "Prijsaanvraag {item}"}, turns: []turn{
			{says: []string{
				"Voor ons nieuwe terras zoeken we {qty} {item}. Kun je een offerte sturen, geleverd vóór {day}?",
				"Wat kosten {qty} {item} in het zandkleurige glazuur, inclusief bezorging? We hebben ze nodig op {day}.",
			}},
			{attach: "Offerte {no}.pdf", says: []string{
				"Dank voor je aanvraag. Bijgaand onze offerte {no}: {qty} {item} voor {sum} euro exclusief btw. Leveren vóór {day} lukt.",
			}},
			{says: []string{
				"Ziet er goed uit, we gaan akkoord. Kun je de leverdag nog bevestigen?",
				"Bedankt. Mogen we eerst twee proefexemplaren zien?",
			}},
			{says: []string{
				"Natuurlijk, dat regel ik vandaag nog.",
			}},
		}},
		{subjects: []string{"Bestelling {no}", "Nabestelling {item}"}, turns: []turn{
			{attach: "Bestelling {no}.pdf", says: []string{
				"In de bijlage vind je onze bestelling {no}: {qty} {item}. Graag leveren aan de achterzijde, tussen 9 en 11 uur.",
			}},
			{says: []string{
				"Bedankt voor de bestelling. Alles ligt klaar en gaat morgen op transport.",
				"Genoteerd, dank je wel. De levering staat gepland voor {day}.",
			}},
			{says: []string{
				"Alles is heel aangekomen. Onze gasten zijn er erg blij mee.",
			}},
		}},
		{ours: true, subjects: []string{"Bezoek op {day}", "Afspraak op {day}?"}, turns: []turn{
			{says: []string{
				"Op {day} ben ik bij jullie in de buurt en ik laat graag de nieuwe {item} zien. Komt half elf uit?",
			}},
			{says: []string{
				"Leuk, half elf is prima. De koffie staat klaar.",
				"Die dag zijn we gesloten. Kan het een dag later?",
			}},
			{says: []string{
				"Prima, dat staat in de agenda. Tot dan!",
			}},
		}},
		{subjects: []string{"Factuur {no}"}, turns: []turn{
			{says: []string{
				"Op factuur {no} staan twaalf {item} te veel. Kun je dat nakijken?",
			}},
			{attach: "Factuur {no}.pdf", says: []string{
				"Je hebt gelijk, excuses. De verbeterde factuur van {sum} euro zit in de bijlage.",
			}},
			{says: []string{"Dank je, die wordt deze week betaald."}},
		}},
	},
}
