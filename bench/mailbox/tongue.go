package main

import "strings"

// tongue is a language that people write in.
type tongue struct {
	code       string
	firstNames []string
	lastNames  []string
	words      []string // of text
	subjects   []string
	reply      string // what a reply's subject begins with
}

var tongueWeights = []int{40, 15, 15, 15, 6, 5, 4}

var tongues = []tongue{
	{
		code:       "en",
		firstNames: list("Ann Ben Carl Dora Emma Frank Grace Henry Iris Jack Kate Liam Mary Noah Olive Paul Ruth Sam Tess Will"),
		lastNames:  list("Archer Baker Carter Doyle Ellis Fisher Gray Hughes Irving Johnson Knight Lewis Mason Norris O'Brien Parker Quinn Reed Stone Turner"),
		words:      list("we have the offer ready and would like to talk about prices next week please send your answer before Friday because delivery takes time as agreed on the phone our team will visit you in spring with samples of every part thank you for this order it was good to meet everyone at the fair"),
		subjects:   []string{"Offer for the new line", "Your order", "Meeting next week", "Question about delivery", "Invoice", "Samples and prices", "Visit in spring", "Contract draft"},
		reply:      "Re: ",
	},
	{
		code:       "de",
		firstNames: list("Jürgen Käthe Lukas Mia Björn Sören Greta Heinz Ilse Jörg Anna Peter Ursula Götz"),
		lastNames:  list("Müller Schröder Weiß Köhler Bäcker Vogel Krüger Lange Möller Straßer Franke Groß"),
		words:      list("wir haben das Angebot geprüft und möchten nächste Woche über Preise sprechen bitte schicken Sie uns die Unterlagen vor Freitag weil die Lieferung länger dauert als vereinbart vielen Dank für Ihre Bestellung unser Team grüßt Sie herzlich aus dem Büro"),
		subjects:   []string{"Angebot für die neue Anlage", "Ihre Bestellung", "Besprechung nächste Woche", "Rückfrage zur Lieferung", "Rechnung", "Muster und Preise"},
		reply:      "AW: ",
	},
	{
		code:       "fr",
		firstNames: list("André Chloé Étienne Françoise Gérard Hélène Irène Jérôme Léa Noëlle Pascal René"),
		lastNames:  list("Lefèvre Dupont Béranger Carré Delmas Fabre Garçon Hébert Morel Noël Périer Rousseau"),
		words:      list("nous avons bien reçu votre commande et nous vous répondrons dès que possible la livraison est prévue avant la fin du mois merci de confirmer la réunion à notre siège voici les échantillons demandés avec nos meilleures salutations"),
		subjects:   []string{"Proposition d'été", "Votre commande", "Réunion de la semaine prochaine", "Délai de livraison", "Facture", "Échantillons"},
		reply:      "RE: ",
	},
	{
		code:       "nl",
		firstNames: list("Anouk Bram Daan Eva Femke Gijs Hanneke Joris Koen Lotte Noor Zoë"),
		lastNames:  list("Bakker Claes Devos Goossens Janssens Maes Peeters Smit Visser Wouters Daniëls"),
		words:      list("wij sturen u graag de offerte voor de nieuwe lijn en bellen volgende week over de prijzen laat ons weten of de levering voor vrijdag past bedankt voor uw bestelling tot binnenkort op kantoor met vriendelijke groeten"),
		subjects:   []string{"Offerte voor de nieuwe lijn", "Uw bestelling", "Vergadering volgende week", "Vraag over levering", "Factuur", "Stalen en prijzen"},
		reply:      "Re: ",
	},
	{
		code:       "es",
		firstNames: list("Álvaro Begoña Íñigo José Lucía Martín Núria Óscar Sofía Tomás"),
		lastNames:  list("García Ibáñez López Muñoz Núñez Peña Rodríguez Sáez Vélez"),
		words:      list("hemos recibido su pedido y le enviaremos la oferta mañana por la tarde la reunión será en nuestra oficina el próximo año gracias por su visita y por las muestras del diseño"),
		subjects:   []string{"Oferta del diseño", "Su pedido", "Reunión de mañana", "Factura"},
		reply:      "RE: ",
	},
	{
		code:       "pl",
		firstNames: list("Łukasz Małgorzata Paweł Zofia Stanisław Agnieszka"),
		lastNames:  list("Wiśniewski Dąbrowska Kamiński Zielińska Woźniak Król"),
		words:      list("dziękujemy za zamówienie i prosimy o potwierdzenie spotkania w przyszłym tygodniu dostawa będzie gotowa przed końcem miesiąca załączamy ofertę oraz próbki z pozdrowieniami"),
		subjects:   []string{"Oferta współpracy", "Zamówienie części", "Spotkanie w środę", "Faktura"},
		reply:      "Odp: ",
	},
	{
		code:       "ja",
		firstNames: list("太郎 花子 健一 美咲 翔太 陽菜"),
		lastNames:  list("山田 佐藤 鈴木 高橋 田中 渡辺"),
		words:      list("お世話に なって おります 見積書を お送り いたします ご確認を お願い します 来週の 会議に ついて ご連絡 ください 納期は 月末の 予定です よろしく"),
		subjects:   []string{"見積書の件", "来週の会議について", "ご注文ありがとうございます", "納期のご連絡"},
		reply:      "Re: ",
	},
}

func list(s string) []string { return strings.Fields(s) }
