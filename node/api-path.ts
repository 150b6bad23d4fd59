/** The version of the API between this program's two ends, in every path and every answer. */
export const apiVersion = '1'
export const apiPath = (route: string): string => `/api/v${apiVersion}/${route}`
