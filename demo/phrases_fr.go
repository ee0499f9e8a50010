package demo

var french = &language{
	tag: "fr", zone: 1, summer: true,
	day:   "02/01/2006",
	hello: []string{"Bonjour {first},", "Bonjour,", "Bonjour {first} {last},"},
	bye:   []string{"Bien cordialement,", "Cordialement,", "Bonne journée,"},
	wrote: "Le {date}, {name} a écrit :",
	re:    "RE: ",
	items: []string{"assiettes creuses", "tasses à café", "plats de service", "saladiers", "assiettes à dessert", "carafes", "bols à petit-déjeuner"},
	topics: []topic{
		{subjects: []string{"Demande de prix : {item}", "Devis pour {qty} {item}"}, turns: []turn{
			{says: []string{
				"Nous préparons la réouverture et souhaitons recevoir un devis pour {qty} {item}, livraison comprise, avant le {day}.\n\nPourriez-vous aussi nous indiquer le délai pour un réassort ?",
				"Pourriez-vous nous faire votre meilleur prix pour {qty} {item} dans l'émail bleu ? Nous en aurions besoin pour le {day}.",
			}},
			{attach: "Devis n° {no} – été.pdf", says: []string{
				"Merci de votre demande. Vous trouverez ci-joint notre devis n° {no} : {qty} {item}, soit {sum} euros hors taxes, livraison le {day} au plus tard.",
				"Voici notre devis n° {no}. Le prix reste valable trente jours, également pour un réassort.",
			}},
			{says: []string{
				"C'est parfait, vous pouvez lancer la fabrication. Le bon de commande suit par courrier.",
				"Merci. Les pièces passent-elles au lave-vaisselle professionnel ?",
			}},
			{says: []string{
				"C'est noté, merci de votre confiance. Toutes nos pièces passent au lave-vaisselle professionnel, sans exception.",
			}},
		}},
		{subjects: []string{"Commande n° {no}", "Réassort {item}"}, turns: []turn{
			{attach: "Commande {no}.pdf", says: []string{
				"Veuillez trouver ci-joint notre commande n° {no} de {qty} {item}. Livraison par la cour, de préférence le matin.",
			}},
			{says: []string{
				"Merci pour votre commande. Tout est en stock, le colis part demain.",
				"Bien reçu, merci. L'expédition est prévue pour le {day}.",
			}},
			{says: []string{
				"Tout est bien arrivé, les clients sont ravis. Merci encore.",
			}},
		}},
		{subjects: []string{"Casse dans la livraison {no}"}, turns: []turn{
			{says: []string{
				"À l'ouverture des cartons de la livraison {no}, nous avons trouvé trois {item} en morceaux. Pouvez-vous les remplacer avant le {day} ?",
			}},
			{says: []string{
				"Je suis vraiment désolée. Les pièces de remplacement partent aujourd'hui même, à nos frais.",
			}},
			{says: []string{
				"Bien reçu ce matin, merci de votre rapidité.",
			}},
		}},
		{ours: true, subjects: []string{"Visite le {day}", "Rendez-vous le {day} ?"}, turns: []turn{
			{says: []string{
				"Je serai dans votre région le {day} et j'aimerais vous présenter nos nouvelles {item}. Seriez-vous disponible vers dix heures ?",
			}},
			{says: []string{
				"Avec plaisir, dix heures me convient très bien.",
				"Ce jour-là je suis en déplacement. Serait-il possible de venir le lendemain ?",
			}},
			{says: []string{
				"C'est entendu, je note. À très bientôt.",
			}},
		}},
		{ours: true, subjects: []string{"Notre nouveau catalogue", "Catalogue d'été : {item}"}, turns: []turn{
			{attach: "Fennel & Finch – catalogue été.pdf", says: []string{
				"Notre nouveau catalogue vient de paraître, je vous l'envoie en avant-première. Vous y trouverez les {item} dont nous avions parlé.",
			}},
			{says: []string{
				"Merci beaucoup, il est magnifique. Auriez-vous deux échantillons pour nous ?",
			}},
		}},
	},
}
