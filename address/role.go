package address

import "strings"

// IsNoReply tells whether a canonical address is one that nobody reads, such
// as no-reply@ and mailer-daemon@.
func IsNoReply(canonical string) bool {
	local := bare(canonical)
	for _, word := range noReplyWords {
		if strings.Contains(local, word) {
			return true
		}
	}
	return strings.HasPrefix(local, "bounce") || strings.HasPrefix(local, "notification") ||
		strings.HasSuffix(local, "notification") || strings.HasSuffix(local, "notifications")
}

// IsRole tells whether a canonical address belongs to a function (RFC 2142),
// such as info@ and sales@, and not to a person.
func IsRole(canonical string) bool {
	local, _ := split(Unplus(canonical))
	return roles[local] || roles[bare(canonical)]
}

// bare returns the local part without its tag and the signs that people put
// between words: No_Reply and no-reply are the same.
func bare(canonical string) string {
	local, _ := split(Unplus(canonical))
	if !strings.ContainsAny(local, ".-_") {
		return local
	}
	return joined.Replace(local)
}

var joined = strings.NewReplacer(".", "", "-", "", "_", "")

var noReplyWords = []string{
	"noreply", "donotreply", "dontreply", "noresponse", "mailerdaemon", "unattended",
	"nepasrepondre", "nichtantworten", "keineantwort", "noresponder", "naoresponda",
	"nonrispondere", "nietbeantwoorden",
}

var roles = map[string]bool{
	// RFC 2142
	"abuse": true, "hostmaster": true, "info": true, "marketing": true, "noc": true,
	"postmaster": true, "sales": true, "security": true, "support": true, "webmaster": true,
	// usual in many organisations
	"accounting": true, "accounts": true, "admin": true, "administration": true,
	"administrator": true, "billing": true, "booking": true, "bookings": true, "careers": true,
	"compliance": true, "contact": true, "contactus": true, "customercare": true,
	"customerservice": true, "editor": true, "enquiries": true, "enquiry": true, "events": true,
	"feedback": true, "finance": true, "hello": true, "help": true, "helpdesk": true, "hr": true,
	"inquiries": true, "invoice": true, "invoices": true, "it": true, "jobs": true,
	"legal": true, "mail": true, "media": true, "news": true, "newsletter": true,
	"office": true, "order": true, "orders": true, "payments": true, "press": true,
	"privacy": true, "purchasing": true, "reception": true, "recruiting": true, "returns": true,
	"root": true, "service": true, "services": true, "shipping": true, "shop": true,
	"staff": true, "team": true, "tech": true, "webshop": true, "welcome": true,
	// German, French, Dutch, Italian, Spanish, Portuguese
	"anfrage": true, "bestellung": true, "bewerbung": true, "buchhaltung": true,
	"kontakt": true, "kundenservice": true, "post": true, "rechnung": true, "sekretariat": true,
	"vertrieb": true, "verwaltung": true, "zentrale": true,
	"accueil": true, "commande": true, "compta": true, "comptabilite": true,
	"commercial": true, "direction": true, "facturation": true, "secretariat": true,
	"boekhouding": true, "facturen": true, "klantendienst": true, "klantenservice": true,
	"onthaal": true, "secretariaat": true, "verkoop": true,
	"amministrazione": true, "assistenza": true, "ordini": true, "segreteria": true,
	"administracion": true, "contacto": true, "facturacion": true, "pedidos": true, "ventas": true,
	"contato": true, "financeiro": true, "vendas": true,
}
