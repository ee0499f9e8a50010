package demo

var german = &language{
	tag: "de", zone: 1, summer: true,
	day:   "02.01.2006",
	hello: []string{"Guten Tag {first} {last},", "Hallo {first},", "Guten Tag,"},
	bye:   []string{"Mit freundlichen Grüßen", "Viele Grüße", "Beste Grüße"},
	wrote: "Am {date} schrieb {name}:",
	re:    "AW: ",
	items: []string{"Suppenteller", "Salatschüsseln", "Espressotassen", "Servierplatten", "Kuchenteller", "Wasserkrüge", "Müslischalen", "Kaffeebecher"},
	topics: []topic{
		{subjects: []string{"Anfrage {item}", "Angebot über {qty} {item}"}, turns: []turn{
			{says: []string{
				"für die neue Saison benötigen wir {qty} {item} in der hellen Glasur. Bitte machen Sie uns ein Angebot frei Haus; geliefert werden müsste bis zum {day}.",
				"könnten Sie uns bitte einen Preis für {qty} {item} nennen? Wichtig ist uns, dass wir später einzelne Stücke nachbestellen können.",
			}},
			{attach: "Angebot {no} für {qty} {item}.pdf", says: []string{
				"vielen Dank für Ihre Anfrage. Unser Angebot Nr. {no} liegt bei: {qty} {item}, zusammen {sum} Euro zuzüglich Mehrwertsteuer, Lieferung bis zum {day}.",
				"anbei unser Angebot Nr. {no}. Einzelne Stücke können Sie jederzeit zum selben Preis nachbestellen.",
			}},
			{says: []string{
				"das Angebot passt für uns. Bitte merken Sie die Lieferung für den {day} vor.",
				"danke für das Angebot. Sind die {item} auch für die Gewerbespülmaschine geeignet?",
			}},
			{says: []string{
				"sehr gern, der Termin ist notiert. Und ja: alle unsere Stücke sind für die Gewerbespülmaschine geeignet.",
			}},
		}},
		{subjects: []string{"Bestellung {no}", "Nachbestellung {item}"}, turns: []turn{
			{attach: "Bestellung {no}.pdf", says: []string{
				"im Anhang finden Sie unsere Bestellung Nr. {no} über {qty} {item}. Bitte liefern Sie an die Rampe, werktags bis 14 Uhr.",
				"wir möchten {qty} {item} nachbestellen, siehe Anhang. Es eilt nicht; bis zum {day} genügt uns.",
			}},
			{says: []string{
				"herzlichen Dank für die Bestellung Nr. {no}. Die Ware geht am {day} an Sie ab.",
				"danke, die Bestellung ist eingetragen. Carol meldet sich wegen des genauen Liefertags.",
			}},
			{says: []string{
				"die Lieferung ist vollständig und unbeschädigt eingetroffen. Vielen Dank!",
			}},
		}},
		{subjects: []string{"Reklamation Lieferung {no}", "Bruch in Lieferung {no}"}, turns: []turn{
			{attach: "Fotos Lieferung {no}.pdf", says: []string{
				"leider sind bei der Lieferung {no} drei {item} zu Bruch gegangen. Fotos liegen bei. Können Sie uns Ersatz schicken?",
			}},
			{says: []string{
				"das tut uns leid. Der Ersatz geht heute noch raus, selbstverständlich ohne Berechnung.",
			}},
			{says: []string{
				"der Ersatz ist da. Danke für die schnelle Abwicklung.",
			}},
		}},
		{ours: true, subjects: []string{"Besuch am {day}", "Terminvorschlag: {day}"}, turns: []turn{
			{says: []string{
				"am {day} bin ich in Ihrer Gegend und würde Ihnen gern die neuen {item} zeigen. Passt Ihnen 10 Uhr?",
			}},
			{says: []string{
				"das passt gut, ich freue mich. Bitte melden Sie sich am Empfang.",
				"vormittags ist es bei uns schwierig. Ginge auch 15 Uhr?",
			}},
			{says: []string{
				"wunderbar, so machen wir es. Bis dahin!",
			}},
		}},
		{subjects: []string{"Rechnung {no}", "Frage zur Rechnung {no}"}, turns: []turn{
			{says: []string{
				"auf der Rechnung {no} fehlt unsere Bestellnummer. Könnten Sie sie bitte ergänzen und die Rechnung neu schicken?",
			}},
			{attach: "Rechnung {no} (berichtigt).pdf", says: []string{
				"natürlich, die berichtigte Rechnung über {sum} Euro hängt an.",
			}},
		}},
		{ours: true, supplier: true, subjects: []string{"Auftrag {no}", "Abholung am {day}"}, turns: []turn{
			{says: []string{
				"für den {day} haben wir zwei Paletten zur Abholung bereit, zusammen 410 kg. Können Sie das einplanen?",
			}},
			{says: []string{
				"ist eingeplant, der Fahrer kommt zwischen 8 und 11 Uhr. Bitte die Frachtpapiere {no} bereithalten.",
				"am {day} sind wir leider ausgebucht. Ginge es einen Tag später?",
			}},
			{says: []string{
				"das ist für uns in Ordnung, vielen Dank.",
			}},
		}},
	},
}
