package demo

var polish = &language{
	tag: "pl", zone: 1, summer: true,
	day:   "02.01.2006",
	hello: []string{"Dzień dobry,", "Szanowni Państwo,"},
	bye:   []string{"Z poważaniem", "Pozdrawiam serdecznie"},
	wrote: "W dniu {date} {name} pisze:",
	re:    "Odp: ",
	items: []string{"talerze głębokie", "filiżanki do espresso", "miski sałatkowe", "półmiski", "dzbanki na wodę"},
	topics: []topic{
		{subjects: []string{"Zapytanie o cenę: {item}", "Oferta: {item} ({qty} szt.)"}, turns: []turn{
			{says: []string{
				"prosimy o ofertę na {item} ({qty} szt.) z dostawą do {day}. Interesuje nas jasne szkliwo.",
				"planujemy zakup: {item}, {qty} szt. Czy mogą Państwo podać cenę razem z dostawą?",
			}},
			{attach: "Oferta {no}.pdf", says: []string{
				"dziękujemy za zapytanie. W załączniku przesyłamy ofertę nr {no} na kwotę {sum}. Termin dostawy: {day}.",
			}},
			{says: []string{
				"oferta nam odpowiada, prosimy o realizację.",
				"dziękujemy. Czy naczynia można myć w zmywarce gastronomicznej?",
			}},
			{says: []string{
				"dziękujemy, zamówienie przyjęte. Wszystkie nasze naczynia można myć w zmywarce gastronomicznej.",
			}},
		}},
		{subjects: []string{"Zamówienie nr {no}"}, turns: []turn{
			{attach: "Zamówienie {no} – załącznik.pdf", says: []string{
				"w załączniku przesyłamy zamówienie nr {no}: {item}, {qty} szt. Prosimy o potwierdzenie terminu.",
			}},
			{says: []string{
				"potwierdzamy zamówienie nr {no}. Wysyłka nastąpi {day}.",
			}},
			{says: []string{
				"przesyłka dotarła w całości. Dziękujemy!",
			}},
		}},
		{ours: true, subjects: []string{"Wizyta {day}"}, turns: []turn{
			{says: []string{
				"{day} będę w Państwa okolicy i chętnie pokażę nowe wzory: {item}. Czy pasuje godzina dziesiąta?",
			}},
			{says: []string{
				"zapraszamy, godzina dziesiąta nam odpowiada.",
			}},
		}},
	},
}

var japanese = &language{
	tag: "ja", zone: 9,
	day:   "1月2日",
	hello: []string{"{last}様", "{last} 様"},
	bye:   []string{"どうぞよろしくお願いいたします。", "引き続きよろしくお願い申し上げます。"},
	wrote: "{date}、{name} のメール:",
	re:    "Re: ",
	items: []string{"スープ皿", "エスプレッソカップ", "サラダボウル", "大皿", "水差し"},
	topics: []topic{
		{subjects: []string{"{item}のお見積りについて", "お見積りのお願い（{item}）"}, turns: []turn{
			{says: []string{
				"いつもお世話になっております。{mycompany}の{mylast}です。\n\n{item}を{qty}個購入したいと考えております。{day}までに納品いただける場合のお見積りをお願いできますでしょうか。",
			}},
			{attach: "見積書 {no}.pdf", says: []string{
				"お問い合わせいただきありがとうございます。\n\n{item}{qty}個のお見積書（No. {no}）を添付いたします。ご確認をお願いいたします。",
			}},
			{says: []string{
				"お見積書を拝受いたしました。この内容で発注いたします。",
				"ありがとうございます。社内で検討のうえ、{day}までにご連絡いたします。",
			}},
			{says: []string{
				"ありがとうございます。納期が決まり次第、ご連絡いたします。",
			}},
		}},
		{subjects: []string{"ご注文 No. {no}"}, turns: []turn{
			{attach: "注文書 {no}.pdf", says: []string{
				"お世話になっております。{mylast}です。\n\n注文書（No. {no}、{item}{qty}個）をお送りいたします。",
			}},
			{says: []string{
				"ご注文ありがとうございます。{day}に発送いたします。",
			}},
			{says: []string{
				"本日、商品を受け取りました。どれも美しい仕上がりで、大変満足しております。",
			}},
		}},
	},
}

var greek = &language{
	tag: "el", zone: 2, summer: true,
	day:   "02/01/2006",
	hello: []string{"Καλημέρα σας,", "Καλησπέρα {first},"},
	bye:   []string{"Με εκτίμηση,", "Φιλικά,"},
	wrote: "Στις {date}, {name} έγραψε:",
	re:    "ΑΠ: ",
	items: []string{"βαθιά πιάτα", "φλιτζάνια καφέ", "σαλατιέρες", "πιατέλες", "κανάτες νερού"},
	topics: []topic{
		{subjects: []string{"Προσφορά για {item}", "Ζήτηση τιμής: {item}"}, turns: []turn{
			{says: []string{
				"για τη νέα σεζόν χρειαζόμαστε {qty} τεμάχια: {item}. Θα θέλαμε μια προσφορά με παράδοση έως τις {day}.",
			}},
			{attach: "Προσφορά {no}.pdf", says: []string{
				"σας ευχαριστούμε για το ενδιαφέρον. Επισυνάπτουμε την προσφορά αρ. {no}, συνολικά {sum} ευρώ.",
			}},
			{says: []string{
				"η προσφορά μάς καλύπτει. Παρακαλούμε προχωρήστε.",
				"ευχαριστούμε. Τα σκεύη πλένονται σε επαγγελματικό πλυντήριο;",
			}},
			{says: []string{
				"βεβαίως. Θα σας ενημερώσουμε για την ημέρα παράδοσης.",
			}},
		}},
		{subjects: []string{"Παραγγελία {no}"}, turns: []turn{
			{attach: "Παραγγελία {no}.pdf", says: []string{
				"σας στέλνουμε την παραγγελία αρ. {no}: {item}, {qty} τεμάχια.",
			}},
			{says: []string{
				"λάβαμε την παραγγελία σας, η αποστολή θα γίνει στις {day}.",
			}},
			{says: []string{
				"όλα έφτασαν σε άριστη κατάσταση. Σας ευχαριστούμε πολύ.",
			}},
		}},
	},
}
