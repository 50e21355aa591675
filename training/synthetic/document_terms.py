"""Stock terms of documents in nine languages: Invoice, Contents, Dear Sir, Subtotal, Monday."""

from __future__ import annotations

import random

CODES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "ru")
"""ISO 639-1 codes of the languages, in the order of the columns of ROWS; other languages use English."""
ROWS = """
abstract: Abstract/Summary|Zusammenfassung|Résumé|Resumen|Riassunto|Samenvatting|Resumo|Streszczenie|Аннотация
address: Address|Anschrift|Adresse|Dirección|Indirizzo|Adres|Endereço|Adres|Адрес
agenda: Agenda/Outline/Topics|Agenda/Themen|Ordre du jour|Agenda|Agenda|Agenda|Agenda|Plan|Повестка дня
amount: Amount|Betrag|Montant|Importe|Importo|Bedrag|Valor|Kwota|Сумма
bank: Bank account|Bankverbindung|Coordonnées bancaires|Cuenta bancaria|Conto bancario|Bankrekening|Banco|Konto|Банк
bibliography: References/Bibliography/Works cited|Literatur|Bibliographie|Bibliografía|Bibliografia|Literatuur|Referências|Bibliografia|Литература
bill: Invoice/INVOICE/Purchase order/Quotation/Delivery note|Rechnung/Lieferschein/Angebot|Facture/Devis|Factura|Fattura|Factuur|Fatura|Faktura|Счёт
cash: Cash|Bar|Espèces|Efectivo|Contanti|Contant|Dinheiro|Gotówka|Наличные
certificate: Certificate/Certificate of Completion/Diploma/Licence|Urkunde/Zertifikat|Certificat/Diplôme|Certificado|Certificato|Certificaat|Certificado|Dyplom|Сертификат
certify: This is to certify that|Hiermit wird bescheinigt, dass|Nous certifions que|Se certifica que|Si certifica che|Hierbij verklaren wij dat|Certificamos que|Niniejszym zaświadcza się, że|Настоящим удостоверяется, что
chapter: Chapter|Kapitel|Chapitre|Capítulo|Capitolo|Hoofdstuk|Capítulo|Rozdział|Глава
closing: Yours sincerely,/Kind regards,/Best regards,|Mit freundlichen Grüßen|Cordialement,|Atentamente,|Cordiali saluti,|Met vriendelijke groet,|Atenciosamente,|Z poważaniem|С уважением,
contents: Contents/Table of Contents|Inhalt/Inhaltsverzeichnis|Sommaire/Table des matières|Índice|Indice|Inhoud|Sumário|Spis treści|Содержание
date: Date|Datum|Date|Fecha|Data|Datum|Data|Data|Дата
dear: Dear {},/Dear Sir or Madam,/To whom it may concern,|Sehr geehrte Damen und Herren,/Liebe {},|Madame, Monsieur,|Estimado {}:|Gentile {},|Geachte {},|Prezado {},|Szanowni Państwo,|Уважаемый {}!
dishes: Menu/Dinner/Lunch menu/Drinks/Price list|Speisekarte/Preisliste|Carte/Menu|Carta/Menú|Menù|Menukaart|Cardápio|Menu|Меню
first name: First name|Vorname|Prénom|Nombre|Nome|Voornaam|Nome|Imię|Имя
form: Application form/Registration/Questionnaire|Antrag/Fragebogen/Anmeldung|Formulaire/Demande|Solicitud|Modulo|Formulier|Formulário|Wniosek|Заявление
introduction: Introduction|Einleitung|Introduction|Introducción|Introduzione|Inleiding|Introdução|Wstęp|Введение
item: Description|Beschreibung|Désignation|Descripción|Descrizione|Omschrijving|Descrição|Opis|Наименование
months: January,February,March,April,May,June|Januar,Februar,März,April,Mai,Juni|janvier,février,mars,avril,mai,juin|enero,febrero,marzo,abril,mayo,junio|gennaio,febbraio,marzo,aprile,maggio,giugno|januari,februari,maart,april,mei,juni|janeiro,fevereiro,março,abril,maio,junho|styczeń,luty,marzec,kwiecień,maj,czerwiec|январь,февраль,март,апрель,май,июнь
name: Name|Name|Nom|Apellidos|Cognome|Naam|Sobrenome|Nazwisko|Фамилия
news: News/Times/Herald/Gazette/Newsletter/Bulletin|Nachrichten/Zeitung|Journal/Gazette|Noticias|Notizie|Nieuws|Jornal|Gazeta|Известия
order: Order|Bestellung|Commande|Pedido|Ordine|Bestelling|Pedido|Zamówienie|Заказ
page: Page|Seite|Page|Página|Pagina|Pagina|Página|Strona|Страница
quantity: Qty|Menge|Qté|Cant.|Q.tà|Aantal|Qtd.|Ilość|Кол-во
receipt: Receipt/RECEIPT/Customer copy|Quittung/Kassenbon|Ticket/Reçu|Recibo|Scontrino|Bon|Recibo|Paragon|Чек
report: Report/Annual Report/White Paper/Technical Report/User Guide|Bericht/Jahresbericht|Rapport/Rapport annuel|Informe|Relazione|Rapport|Relatório|Raport|Отчёт
signature: Signature|Unterschrift|Signature|Firma|Firma|Handtekening|Assinatura|Podpis|Подпись
stages: Step|Schritt|Étape|Paso|Passo|Stap|Passo|Krok|Шаг
steps: Installation/Assembly instructions/User manual/Operation|Montageanleitung/Bedienung|Mode d'emploi|Instrucciones|Istruzioni|Handleiding|Instruções|Instrukcja|Инструкция
subject: Subject:/Re:|Betreff:|Objet :|Asunto:|Oggetto:|Betreft:|Assunto:|Dotyczy:|Тема:
subtotal: Subtotal|Zwischensumme|Sous-total|Subtotal|Imponibile|Subtotaal|Subtotal|Razem|Итого
table: Table|Tabelle|Tableau|Tabla|Tabella|Tabel|Tabela|Tabela|Таблица
tax: VAT/Tax|MwSt.|TVA|IVA|IVA|btw|IVA|VAT|НДС
terms: Terms and Conditions/Important information|Allgemeine Geschäftsbedingungen|Conditions générales|Condiciones generales|Condizioni generali|Algemene voorwaarden|Condições gerais|Regulamin|Условия
thanks: Thank you!/Thank you for your visit|Vielen Dank!|Merci !|¡Gracias!|Grazie!|Bedankt!|Obrigado!|Dziękujemy!|Спасибо!
timetable: Timetable/Schedule/Programme/Calendar|Fahrplan/Stundenplan/Programm|Horaires/Programme|Horario|Orario|Rooster|Horário|Plan zajęć|Расписание
total: Total/TOTAL|Summe/Gesamt|Total|Total|Totale|Totaal|Total|Suma|Всего
unit price: Unit price|Einzelpreis|Prix unitaire|Precio|Prezzo|Prijs|Preço|Cena|Цена
warning: WARNING/DANGER/CAUTION/NO ENTRY|ACHTUNG/GEFAHR/VORSICHT|ATTENTION/DANGER|PELIGRO/ATENCIÓN|ATTENZIONE/PERICOLO|LET OP/GEVAAR|PERIGO/ATENÇÃO|UWAGA|ВНИМАНИЕ/ОПАСНО
weekdays: Mon,Tue,Wed,Thu,Fri,Sat,Sun/Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday|Mo,Di,Mi,Do,Fr,Sa,So/Montag,Dienstag,Mittwoch,Donnerstag,Freitag,Samstag,Sonntag|lun,mar,mer,jeu,ven,sam,dim|lun,mar,mié,jue,vie,sáb,dom|lun,mar,mer,gio,ven,sab,dom|ma,di,wo,do,vr,za,zo|seg,ter,qua,qui,sex,sáb,dom|pon,wt,śr,czw,pt,sob,ndz|Пн,Вт,Ср,Чт,Пт,Сб,Вс
"""  # noqa: E501 - a line for each term
TERMS: dict[str, list[list[str]]] = {
    name: [cell.strip().split("/") for cell in cells.split("|")]
    for name, cells in (row.split(":", 1) for row in ROWS.strip().splitlines())
}


def term(name: str, code: str, rng: random.Random) -> str:
    """A random variant of the term `name` in the language `code`, or in English if the language has no column."""
    return rng.choice(TERMS[name][CODES.index(code) if code in CODES else 0])
