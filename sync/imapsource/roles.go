package imapsource

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"

	"kith"
)

// attrRoles are the attributes of RFC 6154 and those of the older XLIST, some of
// which servers still give, in lower case.
var attrRoles = map[string]kith.Role{
	`\all`: kith.RoleAll, `\allmail`: kith.RoleAll,
	`\archive`: kith.RoleArchive,
	`\drafts`:  kith.RoleDrafts,
	`\inbox`:   kith.RoleInbox,
	`\junk`:    kith.RoleJunk, `\spam`: kith.RoleJunk,
	`\sent`:  kith.RoleSent,
	`\trash`: kith.RoleTrash,
}

// roleOf tells what a folder is for, and whether it only shows messages of other
// folders. What the server says counts; else the name, below the prefix of our
// own folders, does.
func roleOf(data *imap.ListData, name string) (role kith.Role, view bool) {
	if strings.EqualFold(data.Mailbox, "INBOX") {
		return kith.RoleInbox, false
	}
	for _, attr := range data.Attrs {
		lower := strings.ToLower(string(attr))
		if r, ok := attrRoles[lower]; ok {
			return r, false
		}
		if lower == `\flagged` || lower == `\starred` || lower == `\important` {
			view = true
		}
	}
	if view {
		return kith.RoleNone, true
	}
	delim := string(data.Delim)
	if data.Delim == 0 {
		delim = ""
	}
	for _, parent := range []string{"INBOX", "[Gmail]", "[Google Mail]"} {
		if delim != "" && len(name) > len(parent)+len(delim) && strings.EqualFold(name[:len(parent)+len(delim)], parent+delim) {
			name = name[len(parent)+len(delim):]
			break
		}
	}
	return nameRoles[foldName(name)], false
}

// foldName removes what does not matter in a folder's name.
func foldName(name string) string {
	name = strings.NewReplacer("’", "'", "\u00a0", " ", "_", " ").Replace(strings.ToLower(name))
	return strings.Join(strings.Fields(name), " ")
}

// nameRoles are the names that mail programs and servers give to folders, as
// foldName leaves them. They count where a server tells no roles.
var nameRoles = makeNameRoles(map[kith.Role][]string{
	kith.RoleSent: {
		"sent", "sent items", "sent mail", "sent messages", "sent-mail", "sentmail", // English
		"gesendet", "gesendete elemente", "gesendete objekte", "gesendete nachrichten", // German
		"envoyés", "envoyes", "éléments envoyés", "elements envoyes", "messages envoyés", "messages envoyes", "courrier envoyé", // French
		"enviados", "elementos enviados", "mensajes enviados", "correo enviado", // Spanish
		"itens enviados", "mensagens enviadas", "enviadas", "e-mails enviados", // Portuguese
		"inviata", "posta inviata", "inviati", "elementi inviati", "messaggi inviati", // Italian
		"verzonden", "verzonden items", "verzonden berichten", "verstuurd", // Dutch
		"skickat", "skickade", "skickade objekt", "skickade meddelanden", // Swedish
		"sendt", "sendte elementer", "sendt post", "sendte meldinger", "sendte", // Danish, Norwegian
		"lähetetyt", "lähetetyt kohteet", "lähetetyt viestit", // Finnish
		"wysłane", "elementy wysłane", "wiadomości wysłane", "wyslane", // Polish
		"odeslaná pošta", "odeslané", "odeslaná", "odeslané položky", // Czech
		"odoslaná pošta", "odoslané", "odoslané položky", // Slovak
		"elküldött", "elküldött elemek", "elküldött üzenetek", // Hungarian
		"trimise", "elemente trimise", "mesaje trimise", // Romanian
		"poslano", "poslani predmeti", "poslane stavke", "poslana pošta", "poslani elementi", // Slovene, Croatian
		"изпратени", "изпратени елементи", // Bulgarian
		"отправленные", "отправленное", // Russian
		"надіслані", "відправлені", "надіслані елементи", // Ukrainian
		"απεσταλμένα", "σταλμένα", "απεσταλμένα στοιχεία", // Greek
		"gönderilmiş öğeler", "gönderilen", "gönderilmiş", "gönderilenler", "gönderilmiş postalar", // Turkish
		"saadetud", "saadetud kirjad", "nosūtītie", "nosūtītās", "išsiųsti", "išsiųsti laiškai", // Estonian, Latvian, Lithuanian
		"enviats", "elements enviats", "bidaliak", "bidalitakoak", // Catalan, Basque
		"נשלח", "דואר שנשלח", "פריטים שנשלחו", // Hebrew
		"المرسلة", "العناصر المرسلة", "البريد المرسل", "الرسائل المرسلة", // Arabic
		"已发送", "已发送邮件", "已发邮件", "寄件備份", "已傳送的郵件", "已寄出", "已传送", // Chinese
		"送信済み", "送信済みアイテム", "送信済みトレイ", "送信済みメール", // Japanese
		"보낸편지함", "보낸 편지함", "보낸 메일", "보낸 항목", "보낸메일함", // Korean
		"đã gửi", "thư đã gửi", "terkirim", "item terkirim", "รายการที่ส่ง", "ส่งแล้ว", // Vietnamese, Indonesian, Thai
	},
	kith.RoleDrafts: {
		"drafts", "draft", "entwürfe", "entwurf", "brouillons", "brouillon", "borradores", "rascunhos", "bozze",
		"concepten", "utkast", "kladder", "kladde", "luonnokset", "wersje robocze", "kopie robocze", "szkice", "koncepty",
		"rozpracované", "piszkozatok", "ciorne", "osnutki", "skice", "чернови", "черновики", "чернетки", "πρόχειρα",
		"taslaklar", "mustandid", "melnraksti", "juodraščiai", "esborranys", "zirriborroak", "טיוטות", "مسودات", "المسودات",
		"草稿", "草稿箱", "草稿匣", "下書き", "임시보관함", "임시 보관함", "bản nháp", "thư nháp", "draf", "ฉบับร่าง", "แบบร่าง",
	},
	kith.RoleTrash: {
		"trash", "deleted items", "deleted messages", "deleted", "bin", "papierkorb", "gelöschte elemente", "gelöschte objekte",
		"gelöscht", "corbeille", "éléments supprimés", "elements supprimes", "messages supprimés", "papelera", "elementos eliminados",
		"eliminados", "lixeira", "lixo", "itens excluídos", "itens eliminados", "cestino", "posta eliminata", "eliminata",
		"elementi eliminati", "prullenbak", "prullenmand", "verwijderde items", "papperskorgen", "papperskorg", "borttaget",
		"borttagna objekt", "papirkurv", "papirkurven", "slettet post", "slettede elementer", "slettet", "roskakori", "poistetut",
		"poistetut kohteet", "kosz", "elementy usunięte", "koš", "odstraněná pošta", "kôš", "odstránené položky", "törölt elemek", "kuka", "lomtár",
		"coș de gunoi", "elemente șterse", "gunoi", "koš za smeće", "otpad", "izbrisano", "кошче", "изтрити", "изтрити елементи",
		"корзина", "удаленные", "удалённые", "кошик", "видалені", "κάδος", "κάδος απορριμμάτων", "διαγραμμένα", "απορρίμματα",
		"çöp kutusu", "çöp", "silinmiş öğeler", "prügikast", "atkritne", "miskaste", "šiukšlinė", "šiukšliadėžė", "paperera", "zakarrontzia",
		"אשפה", "פריטים שנמחקו", "المهملات", "سلة المهملات", "العناصر المحذوفة", "已删除", "已删除邮件", "已删除的邮件", "垃圾桶", "刪除的郵件", "已刪除的郵件", "废件箱",
		"ゴミ箱", "ごみ箱", "削除済みアイテム", "휴지통", "지운 편지함", "삭제된 항목", "지운편지함", "thùng rác", "sampah", "ถังขยะ", "รายการที่ถูกลบ",
	},
	kith.RoleJunk: {
		"junk", "spam", "junk e-mail", "junk email", "junk mail", "bulk mail", "junk-e-mail", "spamverdacht",
		"courrier indésirable", "indésirables", "indesirables", "pourriel", "correo no deseado", "no deseado", "lixo eletrônico", "lixo eletrónico", "e-mail de lixo",
		"posta indesiderata", "indesiderata", "ongewenste e-mail", "ongewenst", "skräppost", "skräp", "uønsket e-post", "uønsket post", "uønsket mail", "søppelpost",
		"roskaposti", "wiadomości-śmieci", "niechciane", "nevyžádaná pošta", "nevyžiadaná pošta", "levélszemét", "email nedorit", "mesaje nedorite",
		"neželena pošta", "neželjena pošta", "neželjeno", "нежелана поща", "спам", "нежелательная почта", "небажана пошта", "ανεπιθύμητα", "ανεπιθύμητη αλληλογραφία",
		"önemsiz", "önemsiz e-posta", "gereksiz", "rämpspost", "surogātpasts", "mēstules", "brukalas", "šlamštas", "correu brossa", "zaborra",
		"דואר זבל", "البريد العشوائي", "البريد غير الهام", "垃圾邮件", "垃圾箱", "垃圾郵件", "迷惑メール", "スパム", "스팸", "스팸메일함", "스팸 메일함", "정크 메일", "thư rác", "สแปม", "อีเมลขยะ",
	},
	kith.RoleArchive: {"archive", "archives", "archiv", "archief", "archivio", "archivo", "arquivo", "arkiv", "arkisto", "archiwum", "архив", "архів"},
})

func makeNameRoles(names map[kith.Role][]string) map[string]kith.Role {
	roles := make(map[string]kith.Role)
	for role, list := range names {
		for _, name := range list {
			roles[foldName(name)] = role
		}
	}
	return roles
}

// decodeUTF7 reads modified UTF-7 (RFC 3501 §5.1.3). The client does so for names
// of folders, but not for the prefixes of namespaces.
func decodeUTF7(s string) (string, bool) {
	var b strings.Builder
	for s != "" {
		before, rest, shift := strings.Cut(s, "&")
		b.WriteString(before)
		if !shift {
			break
		}
		code, after, ok := strings.Cut(rest, "-")
		if !ok {
			return "", false
		}
		s = after
		if code == "" {
			b.WriteByte('&')
			continue
		}
		raw, err := modifiedBase64.DecodeString(code)
		if err != nil || len(raw)%2 != 0 {
			return "", false
		}
		units := make([]uint16, 0, len(raw)/2)
		for i := 0; i < len(raw); i += 2 {
			units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
		}
		for _, r := range utf16.Decode(units) {
			if r == utf8.RuneError {
				return "", false
			}
			b.WriteRune(r)
		}
	}
	return b.String(), true
}

var modifiedBase64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)
